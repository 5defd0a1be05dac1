//! On ports without HTTP only RBAC enforces. It must not allow more than the policy does.

use std::net::IpAddr;

use peergate_tests::random::{Names, TestRequest};
use policy_schema::engine::{CompiledPolicy, PeerIp};
use policy_schema::envoy::rbac;
use policy_schema::istio::authorization_policies;
use policy_schema::policy::PolicySet;
use policy_schema::rule_spec::{Effect, Otherwise};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::callers::Callers;
use crate::case::{connection, documents, rules, validated};
use crate::client::comes_back;
use crate::known_difference::KnownDifference;
use crate::proxy::{Proxy, tcp_chain};

const POLICIES: usize = 60;
const CONNECTIONS: usize = 10;

/// Fields for which Istio drops a whole `ALLOW` rule on ports without HTTP. The rule then allows
/// less than the policy if it also covers requests that do not depend on the field.
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
fn without_http_rbac_allows_no_more_than_the_policy() {
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
        let config = set.plugin_config(set.policies().first().unwrap());
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
            let is_allowed = asked.with_request(|request| compiled.evaluate(request).lets_pass());
            let passes =
                comes_back(proxy.named(&number.to_string()), &mut callers, &asked).unwrap();
            // There is no filter here to deny it.
            if !KnownDifference::of(set, &asked).is_empty() {
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

/// A policy for a workload whose tested ports do not speak HTTP.
fn policy(rules: &[Value], otherwise: Otherwise) -> Option<PolicySet> {
    let [mesh, mut policy] = documents(rules, otherwise);
    policy["spec"]["tcpPorts"] = json!([1, 80, 81, 8080]);
    validated(&[mesh, policy])
}

/// A proxy with RBAC for each policy on a port without HTTP, named by the policy's number.
pub(crate) fn rbac_alone(policies: &[PolicySet], callers: &Callers) -> Proxy {
    let listeners: Vec<_> = policies
        .iter()
        .enumerate()
        .map(|(number, set)| {
            let objects = authorization_policies(&set.rollout(set.policies().first().unwrap()));
            let filters = rbac::network_filters(&objects, set.mesh().trust_domains());
            (number.to_string(), tcp_chain(&filters))
        })
        .collect();
    Proxy::start_with(&listeners, callers)
}

/// A request's connection without the request.
pub(crate) fn without_http(asked: &TestRequest) -> TestRequest {
    TestRequest {
        method: None,
        path: None,
        host: None,
        forwarded_for: None,
        headers: Vec::new(),
        metadata: json!({}),
        ..asked.clone()
    }
}

/// A mesh-wide denial by path, and a database that declares its port.
#[test]
fn a_denial_by_path_does_not_close_declared_ports() {
    let [mut mesh, _] = documents(&[], Otherwise::Deny);
    mesh["spec"]["defaults"]["otherwise"] = json!("Deny");
    let policy = |namespace: &str, name: &str, spec: Value| {
        json!({
            "apiVersion": "peergate.dev/v1alpha1",
            "kind": "ServicePolicy",
            "metadata": {"name": name, "namespace": namespace},
            "spec": spec,
        })
    };
    let everywhere = policy(
        "istio-system",
        "everywhere",
        json!({
            "scope": "Mesh",
            "otherwise": "Pass",
            "rules": [{"id": "no-admin", "effect": "Deny", "to": [{"paths": ["/admin*"]}]}],
        }),
    );
    let redis = policy(
        "a",
        "redis",
        json!({
            "selector": {"matchLabels": {"app": "redis"}},
            "tcpPorts": [6379],
            "rules": [{"id": "cart", "effect": "Allow", "from": [{"serviceAccounts": ["cart"]}]}],
        }),
    );
    let set = validated(&[mesh, everywhere, redis]).unwrap();
    let objects: Vec<_> = set
        .policies()
        .iter()
        .flat_map(|policy| authorization_policies(&set.rollout(policy)))
        .collect();
    let filters = rbac::network_filters(&objects, set.mesh().trust_domains());
    let mut callers = Callers::new();
    let proxy = Proxy::start_with(&[("redis".to_owned(), tcp_chain(&filters))], &callers);
    let mut is_open = |account: &str, port: u16| {
        let caller = format!("spiffe://td1/ns/a/sa/{account}");
        let asked = TestRequest {
            certificate: Some(Names::uris([&*caller])),
            is_unvalidated: false,
            peer: Some(caller.into_bytes()),
            method: None,
            path: None,
            host: None,
            port: Some(port),
            local_ip: Some(IpAddr::from([10, 0, 0, 1])),
            peer_ip: PeerIp::Known(IpAddr::from([127, 0, 0, 1])),
            remote_ip: Some(IpAddr::from([10, 0, 0, 2])),
            server_name: None,
            headers: Vec::new(),
            forwarded_for: None,
            metadata: json!({}),
            now: 0,
        };
        comes_back(proxy.named("redis"), &mut callers, &asked).unwrap()
    };
    assert!(is_open("cart", 6379));
    assert!(!is_open("other", 6379));
    // On a port that no document declares, Istio drops the path and denies everything.
    assert!(!is_open("cart", 6380));
}
