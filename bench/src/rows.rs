//! The rows of the request table: every way to enforce the policy.

use hyper::StatusCode;
use serde::{Deserialize, Serialize};

use crate::policies::Shape;

/// One way to enforce a policy of one size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// The name for `--rows`, without the number of rules.
    pub name: String,
    /// The name in reports.
    pub title: String,
    /// The filters.
    pub enforcement: Enforcement,
    /// What the rules test.
    pub shape: Shape,
    /// The number of rules.
    pub rules: usize,
    /// What the filter reports.
    pub reporting: Reporting,
    /// Whether requests are allowed.
    pub verdict: Verdict,
    /// How often the row is measured.
    pub sampling: Sampling,
}

/// The filters of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Enforcement {
    /// No filter but the router.
    None,
    /// RBAC with a list of principals, as Istio configures it.
    Rbac,
    /// RBAC with an exact-match map of principals, which Istio does not configure.
    RbacMatcher,
    /// A Lua script with a table of principals.
    Lua,
    /// A gRPC authorizer on the same machine.
    ExtAuthz,
    /// A Wasm filter on the SDK that does nothing.
    SdkNoOp,
    /// A hand-written Wasm filter with the least work for the decision.
    Floor,
    /// Peergate's filter.
    Peergate,
    /// Peergate's filter, followed by RBAC.
    PeergateAndRbac,
    /// Peergate's comparing module, followed by RBAC.
    ComparingAndRbac,
    /// A module and a configuration from the command line.
    Module,
}

/// The reporting that the policy asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reporting {
    /// The default.
    Metrics,
    /// `upstreamHeader: true`.
    UpstreamHeader,
    /// `accessLog: All`.
    AccessLog,
    /// `learning: {}`.
    Learning,
}

/// The expected result of each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// The caller that RBAC compares last, with the operation that its rule allows.
    Allowed,
    /// A caller that no rule names.
    Denied,
}

/// How often a row is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sampling {
    /// In every round: the documentation makes claims about the row.
    EveryRound,
    /// In every third round.
    EveryThirdRound,
}

impl Row {
    /// The name with the number of rules.
    pub fn id(&self) -> String {
        format!("{}/{}", self.name, self.rules)
    }

    /// Whether the row is about allowed requests and the default reporting, with this enforcement and shape.
    pub fn is_allowed_by(&self, enforcement: Enforcement, shape: Shape) -> bool {
        self.enforcement == enforcement
            && self.shape == shape
            && self.verdict == Verdict::Allowed
            && self.reporting == Reporting::Metrics
    }

    /// The status of all responses.
    pub fn status(&self) -> StatusCode {
        match self.verdict {
            Verdict::Allowed => StatusCode::OK,
            Verdict::Denied => StatusCode::FORBIDDEN,
        }
    }

    /// Whether `--rows` selects the row: by its name, or by its ID.
    pub fn is_selected_by(&self, selector: &str) -> bool {
        selector == self.name || selector == self.id()
    }

    /// A row for allowed requests and default reporting, measured in every third round.
    pub fn new(
        name: &str,
        title: &str,
        enforcement: Enforcement,
        shape: Shape,
        rules: usize,
    ) -> Self {
        Self {
            name: name.to_owned(),
            title: title.to_owned(),
            enforcement,
            shape,
            rules,
            reporting: Reporting::Metrics,
            verdict: Verdict::Allowed,
            sampling: Sampling::EveryThirdRound,
        }
    }

    /// Measures the row in every round.
    #[must_use]
    pub fn every_round(self) -> Self {
        Self {
            sampling: Sampling::EveryRound,
            ..self
        }
    }

    /// A row for a module from the command line. It gets the requests of a policy with one rule.
    pub fn module(name: &str) -> Self {
        Self::new(name, name, Enforcement::Module, Shape::Request, 1).every_round()
    }
}
