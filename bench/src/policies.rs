//! Input for the benchmarks: one rule per caller, as policies grow in practice.

use policy_schema::engine::{CompiledPolicy, Request};
use policy_schema::identity::PeerIdentity;
use policy_schema::plugin_config::{ApiVersion, MeshIdentity, PluginConfig, PolicyName};
use policy_schema::reporting::ReportingSpec;
use policy_schema::rule_spec::{
    Effect, Enforcement, OperationSpec, Otherwise, RuleSpec, SourceSpec,
};
use policy_schema::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

/// The numbers of rules in the policies.
pub const SIZES: [usize; 4] = [10, 100, 1_000, 10_000];

/// What the rules test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shape {
    /// The caller.
    Identity,
    /// The caller, the method and the path.
    Request,
}

impl Shape {
    /// All shapes.
    pub const ALL: [Self; 2] = [Self::Identity, Self::Request];

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Request => "identity+method+path",
        }
    }
}

/// A policy with `rules` rules.
pub fn config(shape: Shape, rules: usize) -> PluginConfig {
    PluginConfig {
        api_version: ApiVersion::V1Alpha1,
        revision: None,
        mesh: MeshIdentity {
            trust_domain: "cluster.local".to_owned(),
            trust_domain_aliases: Vec::new(),
            gateways: Vec::new(),
        },
        policy: PolicyName {
            namespace: "shop".to_owned(),
            name: "orders".to_owned(),
        },
        enforcement: Enforcement::Enforce,
        reporting: ReportingSpec::default(),
        decision_key: None,
        otherwise: Otherwise::Deny,
        mesh_otherwise: Otherwise::Deny,
        rules: (0..rules).map(|number| rule(shape, number)).collect(),
        co_enforced: Vec::new(),
        known_gateways: Vec::new(),
        at_gateway: false,
        may_be_led: false,
    }
}

/// How the suffixes of templates with a common prefix differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suffixes {
    /// All suffixes are different.
    Distinct,
    /// All suffixes are the same, and equal to the suffix of the requested path.
    Shared,
}

impl Suffixes {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Distinct, Self::Shared];

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Distinct => "apart",
            Self::Shared => "alike",
        }
    }
}

/// A policy with `rules` rules for all callers, each with a template, and another rule with as many
/// templates under `notPaths`.
pub fn templates(ends: Suffixes, rules: usize) -> Option<CompiledPolicy> {
    let template = |number: usize| match ends {
        Suffixes::Distinct => format!("/api/{{*}}/x{number}"),
        Suffixes::Shared => format!("/api/{{*}}/{number}/{{**}}/x"),
    };
    let rule = |number: usize, operation: OperationSpec| RuleSpec {
        effect: Effect::Allow,
        from: None,
        to: Some(vec![operation]),
        ..rule(Shape::Request, number)
    };
    let asked = |number| {
        let operation = OperationSpec {
            paths: Some(vec![template(number)]),
            ..OperationSpec::default()
        };
        rule(number, operation)
    };
    let excluding = OperationSpec {
        methods: Some(vec!["PUT".to_owned()]),
        not_paths: Some((0..rules).map(template).collect()),
        ..OperationSpec::default()
    };
    let mut config = config(Shape::Request, 0);
    config.rules = (0..rules).map(asked).collect();
    config.rules.push(rule(rules, excluding));
    config.try_into().ok()
}

/// A request by a caller that no rule names.
pub fn any_caller(path: &[u8]) -> Request<'_> {
    let id = b"spiffe://cluster.local/ns/a/sa/b";
    Request {
        method: Some(b"GET"),
        path: Some(path),
        ..Request::from_peer(
            PeerIdentity::from_uri_san(Some(id)),
            Timestamp::from_unix_nanoseconds(1_767_225_600_000_000_000),
        )
    }
}

/// The config as delivered to the filter.
pub fn json(config: &PluginConfig) -> Vec<u8> {
    serde_json::to_vec(config).unwrap_or_default()
}

/// The compiled config; `None` if it is rejected, which does not happen.
pub fn compiled(shape: Shape, rules: usize) -> Option<CompiledPolicy> {
    config(shape, rules).try_into().ok()
}

/// One in ten rules denies; hits never use their callers.
fn rule(shape: Shape, number: usize) -> RuleSpec {
    let source = SourceSpec {
        service_accounts: Some(vec![account(number)]),
        ..SourceSpec::default()
    };
    let operation = OperationSpec {
        methods: Some(vec!["GET".to_owned(), "POST".to_owned()]),
        paths: Some(match number % 3 {
            0 => vec![path(number)],
            1 => vec![path(number), format!("{}/*", path(number))],
            _ => vec![
                format!("/v1/service-{number}/{{*}}/items/{{**}}"),
                path(number),
            ],
        }),
        ..OperationSpec::default()
    };
    RuleSpec {
        id: format!("rule-{number}"),
        effect: if is_deny(number) {
            Effect::Deny
        } else {
            Effect::Allow
        },
        provider: None,
        description: None,
        owner: Some(format!("team-{}", number % 20)),
        not_before: None,
        not_after: None,
        enforcement: None,
        from: Some(vec![source]),
        to: (shape == Shape::Request).then(|| vec![operation]),
        when: None,
    }
}

fn is_deny(number: usize) -> bool {
    number % 10 == 9
}

fn account(number: usize) -> String {
    format!("namespace-{}/service-{number}", number % 50)
}

fn path(number: usize) -> String {
    format!("/v1/service-{number}/orders")
}

/// A request with the attributes that a proxy provides.
#[derive(Clone, Debug)]
pub struct BenchRequest {
    peer: String,
    path: String,
}

impl BenchRequest {
    /// The request for the engine.
    pub fn as_request(&self) -> Request<'_> {
        Request {
            method: Some(b"GET"),
            path: Some(self.path.as_bytes()),
            authority: Some(b"orders.shop:8080"),
            port: Some(8080),
            ..Request::from_peer(
                PeerIdentity::from_uri_san(Some(self.peer.as_bytes())),
                Timestamp::from_unix_nanoseconds(1_767_225_600_000_000_000),
            )
        }
    }
}

/// Requests that a policy with `rules` rules allows, by callers spread over the policy.
pub fn hits(rules: usize) -> Vec<BenchRequest> {
    let step = rules.div_ceil(97);
    let numbers = (0..rules).step_by(step).filter(|&number| !is_deny(number));
    numbers.map(|number| asked(number, number)).collect()
}

/// Requests that the policy does not allow. For rules that only test the caller, they come from
/// unknown callers; for others, from known callers with another caller's path.
pub fn misses(shape: Shape, rules: usize) -> Vec<BenchRequest> {
    let hits = (0..rules).step_by(rules.div_ceil(97));
    let hits = hits.filter(|&number| !is_deny(number));
    hits.map(|number| match shape {
        Shape::Identity => asked(number + rules, number),
        Shape::Request => asked(number, number + rules),
    })
    .collect()
}

fn asked(caller: usize, target: usize) -> BenchRequest {
    let account = account(caller).replace('/', "/sa/");
    BenchRequest {
        peer: format!("spiffe://cluster.local/ns/{account}"),
        path: path(target),
    }
}

#[cfg(test)]
mod tests {
    use policy_schema::telemetry::ReasonCode;

    use super::*;

    #[test]
    fn no_template_matches_the_long_path() {
        let path = format!("/api/{}/x", "a".repeat(60_000));
        for ends in Suffixes::ALL {
            let policy = templates(ends, 100).expect("a policy");
            let reason = policy.evaluate(&any_caller(path.as_bytes())).reason();
            assert_eq!(reason.code(), ReasonCode::NoRuleMatched);
        }
    }

    #[test]
    fn hits_are_allowed_and_misses_match_no_rule() {
        for shape in Shape::ALL {
            for rules in SIZES {
                let policy = compiled(shape, rules).expect("a policy");
                let code =
                    |asked: &BenchRequest| policy.evaluate(&asked.as_request()).reason().code();
                for asked in hits(rules) {
                    assert_eq!(
                        code(&asked),
                        ReasonCode::AllowedByRule,
                        "{shape:?} {rules} {asked:?}"
                    );
                }
                for asked in misses(shape, rules) {
                    assert_eq!(
                        code(&asked),
                        ReasonCode::NoRuleMatched,
                        "{shape:?} {rules} {asked:?}"
                    );
                }
            }
        }
    }
}
