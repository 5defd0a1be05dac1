//! On ports without HTTP the engine decides like RBAC, with the parts of the rules that Istio
//! keeps.

use std::collections::HashMap;

use policy_schema::engine::CompiledPolicy;
use policy_schema::policy::PolicySet;
use policy_schema::rule_spec::Otherwise;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::callers::Callers;
use crate::case::{connection, documents, rules, validated};
use crate::client::comes_back;
use crate::tcp::{rbac_alone, without_http};

const POLICIES: usize = 80;
const CONNECTIONS: usize = 10;

#[test]
fn without_http_the_engine_decides_like_rbac() {
    let mut runner = TestRunner::deterministic();
    let mut is_declared = false;
    let policies: Vec<_> = std::iter::repeat_with(|| {
        let (rules, otherwise) = rules().new_tree(&mut runner).unwrap().current();
        is_declared = !is_declared;
        policy(&rules, otherwise, is_declared)
    })
    .flatten()
    .take(POLICIES)
    .collect();
    let mut callers = Callers::new();
    let proxy = rbac_alone(&policies, &callers);
    let (mut allowed, mut denied) = (0, 0);
    for (number, set) in policies.iter().enumerate() {
        let mut at_ports = HashMap::new();
        for _ in 0..CONNECTIONS {
            let requests = connection().new_tree(&mut runner).unwrap().current();
            let asked = without_http(requests.first().unwrap());
            let port = asked.port.unwrap();
            let compiled = at_ports.entry(port).or_insert_with(|| {
                let config = set.plugin_config_without_http(set.policies().first().unwrap(), port);
                CompiledPolicy::try_from(config).unwrap()
            });
            let (is_allowed, code) = asked.with_request(|request| {
                let decision = compiled.evaluate(request);
                (decision.lets_pass(), decision.reason().code().as_str())
            });
            let passes =
                comes_back(proxy.named(&number.to_string()), &mut callers, &asked).unwrap();
            // RBAC uses any name in a certificate, the engine only a single one.
            if code == "malformed-identity" {
                continue;
            }
            assert_eq!(
                is_allowed,
                passes,
                "{code}: {:#?}\n{asked:#?}",
                set.policies()
            );
            if passes {
                allowed += 1;
            } else {
                denied += 1;
            }
        }
    }
    println!("{allowed} allowed, {denied} denied");
    assert!(allowed > 50 && denied > 50);
}

/// A policy for a workload that may declare whether the tested ports speak HTTP.
fn policy(rules: &[Value], otherwise: Otherwise, is_declared: bool) -> Option<PolicySet> {
    let [mesh, mut policy] = documents(rules, otherwise);
    if is_declared {
        policy["spec"]["tcpPorts"] = json!([1, 80, 81, 8080]);
    }
    validated(&[mesh, policy])
}
