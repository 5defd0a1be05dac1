//! Requests whose cost has a budget.

use crate::exchange::Request;
use crate::policy::{BY_IDENTITY, BY_PATH, Shape, config, leader_and_follower, rules};
use crate::request::by_web;

/// One of the modules that `make filter` builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BuiltModule {
    /// The one that most proxies run.
    Plain,
    /// The one that compares its decisions with RBAC's.
    Comparing,
}

/// A kind of request to a filter with a configuration.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) module: BuiltModule,
    /// The plugin config of the filter that gets the request before, if any.
    pub(crate) leader: Option<String>,
    /// The plugin config.
    pub(crate) config: String,
    pub(crate) request: Request,
}

impl Scenario {
    fn new(name: &'static str, reporting: &str, rules: &str) -> Self {
        Self {
            name,
            module: BuiltModule::Plain,
            leader: None,
            config: config(reporting, rules),
            request: by_web(),
        }
    }

    fn with_request(mut self, change: impl FnOnce(Request) -> Request) -> Self {
        self.request = change(self.request);
        self
    }
}

/// The most common request, whose caller alone decides.
pub(crate) fn by_identity() -> Scenario {
    Scenario::new("by identity", "{}", BY_IDENTITY)
}

/// Every scenario.
pub(crate) fn all() -> Vec<Scenario> {
    let plain = |name, rules: &str| Scenario::new(name, "{}", rules);
    let reporting = |name, reporting| Scenario::new(name, reporting, BY_IDENTITY);
    let many = |name, shape| plain(name, &rules(shape, 10_000, "rule"));
    let (leader, follower) = leader_and_follower();
    vec![
        by_identity(),
        plain("by identity, method and path", BY_PATH),
        many("by identity, 10,000 rules", Shape::Identity),
        many("by identity, method and path, 10,000 rules", Shape::Path),
        plain(
            "by a header",
            "- {id: gold, effect: Allow, when: [{key: \"request.headers[x-tenant]\", values: [gold]}]}\n",
        ),
        plain(
            "by a JWT",
            "- {id: staff, effect: Allow, from: [{requestPrincipals: [\"https://issuer.example/*\"]}], \
             when: [{key: \"request.auth.claims[groups]\", values: [staff]}]}\n",
        )
        .with_request(Request::with_jwt),
        plain(
            "no rule",
            "- {id: other, effect: Allow, from: [{serviceAccounts: [other]}]}\n",
        ),
        plain(
            "a `Deny` rule",
            &format!("{BY_IDENTITY}- {{id: closed, effect: Deny, to: [{{paths: [/orders]}}]}}\n"),
        ),
        plain(
            "a rule in shadow matches",
            &format!(
                "{BY_IDENTITY}- {{id: closed, effect: Deny, enforcement: Shadow, to: [{{paths: [/orders]}}]}}\n"
            ),
        ),
        plain(
            "a rule in shadow does not match",
            &format!(
                "{BY_IDENTITY}- {{id: closed, effect: Deny, enforcement: Shadow, to: [{{paths: [/other]}}]}}\n"
            ),
        ),
        Scenario {
            config: leader.clone(),
            ..plain("leader of another policy", BY_IDENTITY)
        },
        Scenario {
            leader: Some(leader),
            config: follower,
            ..plain("follower of another policy", BY_IDENTITY)
        },
        reporting("`learning: {}`", "{learning: {}}"),
        reporting("`accessLog: All`", "{accessLog: All}"),
        reporting("`upstreamHeader: true`", "{upstreamHeader: true}"),
        reporting("`upstreamHeader: true`, forged", "{upstreamHeader: true}")
            .with_request(Request::with_forged_header),
        reporting("`upstreamHeader: false`", "{upstreamHeader: false}"),
        reporting("`upstreamHeader: false`, forged", "{upstreamHeader: false}")
            .with_request(Request::with_forged_header),
        reporting("no `upstreamHeader`, forged", "{}").with_request(Request::with_forged_header),
        Scenario {
            module: BuiltModule::Comparing,
            ..plain("compared with RBAC", BY_IDENTITY)
        },
        Scenario {
            config: String::new(),
            ..plain("rejected plugin config", BY_IDENTITY)
        },
    ]
}
