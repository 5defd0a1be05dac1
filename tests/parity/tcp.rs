//! On ports without HTTP RBAC alone enforces, and lets through nothing that the policy does not
//! allow.

use peergate_tests::random::Asked;
use policy_schema::engine::CompiledPolicy;
use policy_schema::envoy::rbac;
use policy_schema::istio::authorization_policies;
use policy_schema::plugin_config::PluginConfig;
use policy_schema::policy::PolicySet;
use policy_schema::rule_spec::{Effect, Otherwise};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::callers::Callers;
use crate::case::{connection, documents, rules, understand};
use crate::client::comes_back;
use crate::proxy::{Proxy, tcp_chain};

const POLICIES: usize = 60;
const CONNECTIONS: usize = 10;

/// What Istio drops an `ALLOW` rule for on ports without HTTP, as a whole. The rule then allows less
/// than the policy where it is about other requests too, or about what they do not have.
const HTTP_ALONE: [&str; 8] = [
    "methods",
    "otMethods",
    "aths",
    "osts",
    "equestPrincipals",
    "request.headers",
    "request.auth",
    "experimental",
];

#[test]
fn without_http_rbac_lets_through_what_the_policy_does() {
    let mut runner = TestRunner::deterministic();
    let policies: Vec<_> = std::iter::repeat_with(|| {
        let (rules, otherwise) = rules().new_tree(&mut runner).unwrap().current();
        policy(&rules, otherwise)
    })
    .flatten()
    .take(POLICIES)
    .collect();
    let mut callers = Callers::new();
    let proxy = rbac_alone(&policies, &callers);
    let (mut allowed, mut denied, mut stricter) = (0, 0, 0);
    for (number, set) in policies.iter().enumerate() {
        let config = PluginConfig::of_policy(set, set.policies().first().unwrap());
        let may_be_stricter = {
            let rules = config.rules.iter();
            let allowing = rules.filter(|rule| rule.effect == Effect::Allow);
            let allowing = serde_json::to_string(&allowing.collect::<Vec<_>>()).unwrap();
            HTTP_ALONE.iter().any(|field| allowing.contains(field))
        };
        let compiled = CompiledPolicy::try_from(config).unwrap();
        for _ in 0..CONNECTIONS {
            let requests = connection().new_tree(&mut runner).unwrap().current();
            let asked = without_http(requests.first().unwrap());
            let decision = asked.with_request(|request| {
                let decision = compiled.evaluate(request);
                (decision.lets_pass(), decision.reason().code())
            });
            let (is_allowed, code) = decision;
            let passes =
                comes_back(proxy.named(&number.to_string()), &mut callers, &asked).unwrap();
            // A certificate with several names is RBAC's to judge: the filter is not there.
            if code == "malformed-identity" {
                continue;
            }
            let context = || format!("{:#?}\n{asked:#?}", set.policies());
            assert!(
                is_allowed || !passes,
                "RBAC lets through too much: {}",
                context()
            );
            if is_allowed && !passes {
                assert!(may_be_stricter, "RBAC denies too much: {}", context());
                stricter += 1;
            } else if passes {
                allowed += 1;
            } else {
                denied += 1;
            }
        }
    }
    println!("{allowed} allowed, {denied} denied, {stricter} denied by RBAC alone");
    assert!(allowed > 50 && denied > 50 && stricter < allowed);
}

/// A policy for a workload that speaks no HTTP on any port that is asked.
fn policy(rules: &[Value], otherwise: Otherwise) -> Option<PolicySet> {
    let [mesh, mut policy] = documents(rules, otherwise);
    policy["spec"]["tcpPorts"] = json!([1, 80, 81, 8080]);
    understand(&[mesh, policy])
}

/// A proxy that has RBAC of each policy on a port without HTTP, by the policy's number.
pub(crate) fn rbac_alone(policies: &[PolicySet], callers: &Callers) -> Proxy {
    let listeners: Vec<_> = policies
        .iter()
        .enumerate()
        .map(|(number, set)| {
            let objects = authorization_policies(set, set.policies().first().unwrap());
            let filters = rbac::network_filters(&objects, set.mesh().trust_domains());
            (number.to_string(), tcp_chain(&filters))
        })
        .collect();
    Proxy::start_with(&listeners, callers)
}

/// The connection of a request, without the request.
pub(crate) fn without_http(asked: &Asked) -> Asked {
    Asked {
        method: None,
        path: None,
        host: None,
        headers: Vec::new(),
        metadata: json!({}),
        ..asked.clone()
    }
}
