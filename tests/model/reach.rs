//! Every proxy knows all services that its workload may call: a `Sidecar` that omits one would
//! break allowed requests.

use std::cell::Cell;

use peergate_tests::random::{TestRequest, policy, request};
use policy_schema::engine::CompiledPolicy;
use policy_schema::istio::mesh_resources;
use policy_schema::plugin_config::PluginConfig;
use policy_schema::policy::PolicySet;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::documents;

const HOST: &str = "called/called.called.svc.cluster.local";

/// Workloads with known service accounts. All others share the settings of their namespace.
///
/// `b` is the root namespace, and `ab` contains a gateway.
const ACCOUNTS: [(&str, &str); 2] = [("a", "a"), ("a", "ab")];

fn validated(documents: &[Value]) -> Option<PolicySet> {
    documents::validated(documents).1.policies
}

/// A mesh with restricted visibility: a service with those of the rules that are valid, and some of
/// its callers.
fn documents(config: &PluginConfig, rules: &[Value]) -> Vec<Value> {
    let mut documents = vec![
        documents::mesh(json!({
            "outbound": "Declared",
            "rootNamespace": "b",
            "gateways": [{
                "name": "edge", "namespace": "ab", "selector": {"matchLabels": {"app": "edge"}}, "serviceAccount": "edge",
                "servers": [{"hosts": ["a.example"], "tls": {"secret": "a"}}],
            }],
        })),
        documents::policy(
            "called",
            "called",
            json!({
                "selector": {"matchLabels": {"app": "called"}},
                "service": {"ports": [{"port": 80}]},
                "otherwise": config.otherwise,
                "rules": rules,
            }),
        ),
    ];
    documents.extend(ACCOUNTS.map(|(namespace, account)| {
        let spec = json!({
            "selector": {"matchLabels": {"app": account}},
            "serviceAccount": account,
            "rules": [],
        });
        documents::policy(namespace, account, spec)
    }));
    documents
}

fn sound_rules(config: &PluginConfig) -> Vec<Value> {
    let rules = config.rules.iter().map(|rule| json!(rule));
    let is_sound =
        |rule: &Value| validated(&documents(config, std::slice::from_ref(rule))).is_some();
    rules.filter(is_sound).collect()
}

/// The namespace and service account of a request's caller.
fn caller(asked: &TestRequest) -> Option<(&str, &str)> {
    // Without validation by the proxy there is no identity, so the caller is anonymous.
    let peer = asked.peer.as_deref().filter(|_| !asked.is_unvalidated)?;
    let peer = std::str::from_utf8(peer).ok()?;
    let (_, path) = peer.strip_prefix("spiffe://")?.split_once('/')?;
    let (namespace, account) = path.strip_prefix("ns/")?.split_once("/sa/")?;
    (!account.contains('/')).then_some((namespace, account))
}

/// The hosts visible to a workload's proxy, according to Istio's choice among `Sidecar` objects.
fn hosts<'r>(resources: &'r [Value], (namespace, account): (&str, &str)) -> &'r Value {
    let named = |namespace: &str, name: &str| {
        resources.iter().find(|resource| {
            resource["kind"] == "Sidecar"
                && resource["metadata"]["namespace"] == namespace
                && resource["metadata"]["name"] == name
        })
    };
    let own = ACCOUNTS.contains(&(namespace, account));
    let sidecar = own.then(|| named(namespace, account)).flatten();
    let sidecar = sidecar
        .or_else(|| named(namespace, "default"))
        .or_else(|| named("b", "default"));
    &sidecar.expect("there is one for the mesh")["spec"]["egress"][0]["hosts"]
}

#[test]
fn proxies_know_every_service_that_their_workload_may_call() {
    let (allowed, kept_from) = (Cell::new(0), Cell::new(0));
    let cases = (policy(), vec(request(), 100));
    let mut config = ProptestConfig::with_cases(150);
    config.failure_persistence = None;
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let result = runner.run(&cases, |(config, requests)| {
        let rules = sound_rules(&config);
        let Some(set) = validated(&documents(&config, &rules)) else {
            return Ok(());
        };
        let resources: Vec<_> = mesh_resources(&set)
            .iter()
            .map(|object| json!(object))
            .collect();
        let called = set.policy("called", "called").expect("it is there");
        let compiled = CompiledPolicy::try_from(set.plugin_config(called))
            .map_err(|error| TestCaseError::fail(error.to_string()))?;
        for asked in &requests {
            let Some(caller) = caller(asked) else {
                continue;
            };
            let is_visible = hosts(&resources, caller)
                .as_array()
                .is_some_and(|hosts| hosts.iter().any(|host| host == HOST));
            let passes = asked.with_request(|request| compiled.evaluate(request).lets_pass());
            if passes {
                allowed.set(allowed.get() + 1);
                prop_assert!(is_visible, "{caller:?} is let in: {}", json!(rules));
            } else if !is_visible {
                kept_from.set(kept_from.get() + 1);
            }
        }
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
    println!("{} allowed, {} not visible", allowed.get(), kept_from.get());
    assert!(allowed.get() > 100 && kept_from.get() > 100);
}
