//! Tests from observations to rules, decided by the engine.

mod bounds;
mod covered;
mod excluded;
mod odd_lines;
mod path_folding;
mod properties;
mod refused;

use policy_schema::engine::{CompiledPolicy, DecisionOutcome as Decided, Request};
use policy_schema::identity::{PeerIdentity, TrustDomains};
use policy_schema::plugin_config::{ApiVersion, MeshIdentity, PluginConfig, PolicyName};
use policy_schema::reporting::ReportingSpec;
use policy_schema::rule_spec::{Enforcement, Otherwise, RuleSpec};
use policy_schema::timestamp::Timestamp;

use super::caller::RuleIds;
use super::observed::{Observation, Outcome, Tally};
use super::proposal::{Proposals, Thresholds};
use super::rule::rule;
use super::workload::{Counting, ExistingDecision, Workload};

const WEB: &str = "spiffe://cluster.local/ns/shop/sa/web";
const ADS: &str = "spiffe://cluster.local/ns/shop/sa/ads";
/// Two callers with the same label.
const CLASH: [&str; 2] = [
    "spiffe://cluster.local/ns/a-b/sa/c",
    "spiffe://cluster.local/ns/a/sa/b-c",
];
/// The same workload as `WEB`, in an alias of the trust domain.
const WEB_BY_ALIAS: &str = "spiffe://old.example/ns/shop/sa/web";
const MACHINE: &str = "spiffe://cluster.local/vm/db-1";

const ALL: Counting = Counting {
    status_below: 400,
    takes_denied: false,
    takes_anonymous: false,
};

const EVIDENCE: Thresholds = Thresholds {
    least_count: 1,
    least_span: 0,
    min_ids: 3,
    takes_rare: false,
};

fn domains() -> TrustDomains {
    TrustDomains::new("cluster.local", &["old.example"]).unwrap()
}

fn policy() -> PolicyName {
    PolicyName {
        namespace: "shop".to_owned(),
        name: "orders".to_owned(),
    }
}

fn seen_at(second: u64, peer: &str, method: &str, path: &str) -> Observation {
    Observation {
        policy: policy(),
        peer: (!peer.is_empty()).then(|| peer.to_owned()),
        method: Some(method.to_owned()),
        path: Some(path.to_owned()),
        host: None,
        outcome: Outcome::Answered(200),
        allowed_by: None,
        tally: Tally::once(Timestamp::from_unix_nanoseconds(second * 1_000_000_000)),
    }
}

fn seen(peer: &str, method: &str, path: &str) -> Observation {
    seen_at(1, peer, method, path)
}

fn answered(status: u16, observation: Observation) -> Observation {
    Observation {
        outcome: Outcome::Answered(status),
        ..observation
    }
}

fn denied(observation: Observation) -> Observation {
    Observation {
        outcome: Outcome::Denied,
        ..observation
    }
}

fn workload(observations: impl IntoIterator<Item = Observation>) -> Workload {
    let mut workload = Workload::default();
    for observation in observations {
        workload.add(&observation, &domains(), ALL, |_| {
            ExistingDecision::Undecided
        });
    }
    workload
}

fn rules(proposals: &Proposals) -> Vec<RuleSpec> {
    let mut ids = RuleIds::default();
    let learned = proposals.learned.iter();
    learned
        .map(|(caller, calls)| rule(caller, calls, "shop", None, &mut ids))
        .collect()
}

fn compiled(rules: Vec<RuleSpec>) -> CompiledPolicy {
    let config = PluginConfig {
        api_version: ApiVersion::V1Alpha1,
        revision: None,
        mesh: MeshIdentity {
            trust_domain: "cluster.local".to_owned(),
            trust_domain_aliases: vec!["old.example".to_owned()],
            gateways: Vec::new(),
        },
        policy: policy(),
        enforcement: Enforcement::Enforce,
        reporting: ReportingSpec::default(),
        decision_key: None,
        otherwise: Otherwise::Deny,
        mesh_otherwise: Otherwise::Deny,
        rules,
        co_enforced: Vec::new(),
        known_gateways: Vec::new(),
        at_gateway: false,
        may_be_led: false,
    };
    CompiledPolicy::try_from(config).unwrap()
}

fn allows(policy: &CompiledPolicy, peer: &str, method: &str, path: &str) -> bool {
    let peer = PeerIdentity::from_uri_san((!peer.is_empty()).then_some(peer.as_bytes()));
    let request = Request {
        method: Some(method.as_bytes()),
        path: Some(path.as_bytes()),
        ..Request::from_peer(peer, Timestamp::from_unix_nanoseconds(0))
    };
    policy.evaluate(&request).outcome() == Decided::Allowed
}

/// The learned `GET` paths of `WEB`.
fn learned_paths(proposals: &Proposals) -> Vec<String> {
    let calls = proposals.learned.values().flatten();
    calls.map(|call| call.pattern.text.clone()).collect()
}

fn paths_of(paths: &[&str]) -> Proposals {
    let observations = paths.iter().map(|path| seen(WEB, "GET", path));
    Proposals::new(&workload(observations), EVIDENCE, &[])
}
