//! The rows of the request table: every way to enforce the policy.

use hyper::StatusCode;
use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::policies::Shape;

/// The numbers of rules in the rows that show how cost grows.
pub const RULES: [usize; 5] = [1, 10, 100, 1_000, 10_000];
/// The number of rules in rows about a setting.
const TYPICAL_RULES: usize = 100;

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
    /// The caller of the last rule, with the operation of that rule.
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

    /// The caller of all requests. Of an allowed one, its rule is the last.
    pub fn caller(&self) -> Caller {
        match self.verdict {
            Verdict::Allowed => Caller::of_rule(self.rules.saturating_sub(1)),
            Verdict::Denied => Caller::unknown(),
        }
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

    /// A row for allowed requests.
    fn new(name: &str, title: &str, enforcement: Enforcement, shape: Shape, rules: usize) -> Self {
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

    /// A row for Peergate with one setting.
    fn setting(name: &str, title: &str, reporting: Reporting) -> Self {
        Self {
            reporting,
            ..Self::new(
                name,
                title,
                Enforcement::Peergate,
                Shape::Request,
                TYPICAL_RULES,
            )
        }
    }

    /// A row for denied requests.
    fn denial(name: &str, title: &str, enforcement: Enforcement) -> Self {
        Self {
            verdict: Verdict::Denied,
            ..Self::new(name, title, enforcement, Shape::Identity, TYPICAL_RULES)
        }
    }

    /// A row for a module from the command line. It gets the requests of a policy with one rule.
    pub fn module(name: &str) -> Self {
        Self {
            sampling: Sampling::EveryRound,
            ..Self::new(name, name, Enforcement::Module, Shape::Request, 1)
        }
    }

    /// The row without a filter, which all others are compared with.
    pub fn baseline() -> Self {
        Self {
            sampling: Sampling::EveryRound,
            ..Self::new("none", "no filter", Enforcement::None, Shape::Identity, 0)
        }
    }
}

/// All rows, in the order of the report.
pub fn catalog() -> Vec<Row> {
    use Enforcement as E;
    let sizes = |name: &str, title: &str, enforcement, shape, claims: &[usize]| -> Vec<Row> {
        let row = |rules| Row {
            sampling: if claims.contains(&rules) {
                Sampling::EveryRound
            } else {
                Sampling::EveryThirdRound
            },
            ..Row::new(name, title, enforcement, shape, rules)
        };
        RULES.into_iter().map(row).collect()
    };
    let every_round = |row| Row {
        sampling: Sampling::EveryRound,
        ..row
    };
    let (identity, request) = (Shape::Identity, Shape::Request);
    let mut rows = vec![
        Row::baseline(),
        every_round(Row::new(
            "none-again",
            "no filter, another proxy",
            E::None,
            identity,
            0,
        )),
    ];
    rows.extend(sizes(
        "rbac-identity",
        "RBAC, identity",
        E::Rbac,
        identity,
        &[1, 10],
    ));
    rows.extend(sizes(
        "rbac-request",
        "RBAC, identity, method and path",
        E::Rbac,
        request,
        &[],
    ));
    rows.extend(sizes(
        "rbac-matcher",
        "RBAC with a matcher tree, identity",
        E::RbacMatcher,
        identity,
        &[],
    ));
    rows.extend(sizes("lua", "Lua, identity", E::Lua, identity, &[]));
    rows.push(Row::new(
        "ext-authz",
        "`ext_authz`, identity",
        E::ExtAuthz,
        identity,
        1,
    ));
    rows.push(every_round(Row::new(
        "sdk-noop",
        "Wasm on the Rust SDK that does nothing",
        E::SdkNoOp,
        identity,
        1,
    )));
    rows.push(every_round(Row::new(
        "floor-identity",
        "hand-written Wasm, identity",
        E::Floor,
        identity,
        1,
    )));
    rows.push(every_round(Row::new(
        "floor-request",
        "hand-written Wasm, identity, method and path",
        E::Floor,
        request,
        1,
    )));
    let claims = [1, 100, 10_000];
    rows.extend(sizes(
        "peergate-identity",
        "Peergate, identity",
        E::Peergate,
        identity,
        &claims,
    ));
    rows.extend(sizes(
        "peergate-request",
        "Peergate, identity, method and path",
        E::Peergate,
        request,
        &claims,
    ));
    rows.extend([
        Row::setting(
            "peergate-upstream-header",
            "Peergate, `upstreamHeader: true`",
            Reporting::UpstreamHeader,
        ),
        Row::setting(
            "peergate-access-log",
            "Peergate, `accessLog: All`",
            Reporting::AccessLog,
        ),
        Row::setting(
            "peergate-learning",
            "Peergate, `learning: {}`",
            Reporting::Learning,
        ),
        Row::new(
            "peergate-and-rbac",
            "Peergate and RBAC",
            E::PeergateAndRbac,
            request,
            TYPICAL_RULES,
        ),
        Row::new(
            "comparing-and-rbac",
            "Peergate's comparing module and RBAC",
            E::ComparingAndRbac,
            request,
            TYPICAL_RULES,
        ),
        Row::denial("peergate-denial", "Peergate, denied", E::Peergate),
        Row::denial("rbac-denial", "RBAC, denied", E::Rbac),
    ]);
    rows
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_unique() {
        let rows = catalog();
        let ids: BTreeSet<_> = rows.iter().map(Row::id).collect();
        assert_eq!(ids.len(), rows.len());
    }

    #[test]
    fn selects_a_row_or_all_its_sizes() {
        let selected = |selector: &str| {
            let rows = catalog();
            rows.iter()
                .filter(|row| row.is_selected_by(selector))
                .count()
        };
        assert_eq!(selected("peergate-identity"), RULES.len());
        assert_eq!(selected("peergate-identity/100"), 1);
        assert_eq!(selected("peergate"), 0);
    }
}
