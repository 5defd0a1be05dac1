//! Several policies for one workload, each with a filter of its own in the same proxy.

use peergate_sandbox::Request;
use policy_schema::diagnostic::SourceText;
use policy_schema::plugin_config::PluginConfig;
use policy_schema::policy::PolicySet;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, validate};

use crate::mesh::{Mesh, WEB, assert_allowed, assert_denied};

const BATCH: &str = "spiffe://cluster.local/ns/batch/sa/run";
const PROBE: &str = "spiffe://cluster.local/ns/monitoring/sa/probe";

/// A policy each for the workload, for back ends of the mesh, and for the whole mesh.
const POLICIES: &str = r#"
apiVersion: peergate.dev/v1alpha1
kind: Mesh
metadata: {name: test}
spec: {trustDomain: cluster.local, istioVersion: "1.29"}
---
apiVersion: peergate.dev/v1alpha1
kind: ServicePolicy
metadata: {name: orders, namespace: shop}
spec:
  selector: {matchLabels: {app: orders}}
  rules:
    - {id: web, effect: Allow, from: [{serviceAccounts: [web]}]}
---
apiVersion: peergate.dev/v1alpha1
kind: ServicePolicy
metadata: {name: back-ends, namespace: istio-system}
spec:
  scope: Mesh
  selector: {matchLabels: {tier: back}}
  rules:
    - {id: batch, effect: Allow, from: [{namespaces: [batch]}]}
---
apiVersion: peergate.dev/v1alpha1
kind: ServicePolicy
metadata: {name: everywhere, namespace: istio-system}
spec:
  scope: Mesh
  rules:
    - {id: probes, effect: Allow, from: [{serviceAccounts: [monitoring/probe]}]}
    - {id: no-admin, effect: Deny, to: [{paths: ["/admin*"]}]}
"#;

fn policies() -> PolicySet {
    let source = SourceText {
        name: "policies.yaml".to_owned(),
        text: POLICIES.to_owned(),
    };
    let options = Options {
        at: Timestamp::from_unix_nanoseconds(0),
        istio_version: None,
    };
    let validated = validate(&[source], options);
    assert_eq!(validated.diagnostics, []);
    validated.policies.unwrap()
}

/// The filters of all policies, in the order that their priorities give them.
fn mesh(labels: &[(&str, &str)]) -> Mesh {
    let set = policies();
    let config = |namespace: &str, name: &str| {
        let policy = set.policy(namespace, name).unwrap();
        serde_json::to_string(&PluginConfig::of_policy(&set, policy)).unwrap()
    };
    let mut configs = vec![config("shop", "orders")];
    if labels.contains(&("tier", "back")) {
        configs.push(config("istio-system", "back-ends"));
    }
    configs.push(config("istio-system", "everywhere"));
    Mesh::with_configs(&configs, labels)
}

#[test]
fn what_one_policy_allows_another_does_not_deny() {
    let mesh = mesh(&[("app", "orders"), ("tier", "back")]);
    for caller in [WEB, BATCH, PROBE] {
        let client = mesh.client_as(caller);
        assert_allowed(&client.send(&Request::get("/orders")).unwrap());
        let denied = client.send(&Request::get("/admin")).unwrap();
        assert_denied(&denied, "denied-by-rule");
    }
    let stranger = mesh.client_as("spiffe://cluster.local/ns/shop/sa/other");
    let denied = stranger.send(&Request::get("/orders")).unwrap();
    assert_denied(&denied, "no-rule-matched");
}

#[test]
fn a_policy_for_other_workloads_has_no_say() {
    let mesh = mesh(&[("app", "orders"), ("tier", "front")]);
    assert_allowed(
        &mesh
            .client_as(PROBE)
            .send(&Request::get("/orders"))
            .unwrap(),
    );
    let denied = mesh
        .client_as(BATCH)
        .send(&Request::get("/orders"))
        .unwrap();
    assert_denied(&denied, "no-rule-matched");
}

#[test]
fn where_labels_are_unknown_each_filter_decides_by_itself() {
    let set = policies();
    let configs: Vec<_> = ["back-ends", "everywhere"]
        .map(|name| set.policy("istio-system", name).unwrap())
        .map(|policy| serde_json::to_string(&PluginConfig::of_policy(&set, policy)).unwrap())
        .into();
    let orders = set.policy("shop", "orders").unwrap();
    let orders = serde_json::to_string(&PluginConfig::of_policy(&set, orders)).unwrap();
    // As on a pod that back-ends selects, whose proxy does not tell its labels.
    let mesh = Mesh::with_configs(&[vec![orders], configs].concat(), &[]);
    let denied = mesh.client_as(WEB).send(&Request::get("/orders")).unwrap();
    assert_denied(&denied, "no-rule-matched");
}

#[test]
fn a_client_cannot_say_that_a_policy_was_enforced() {
    let set = policies();
    let policy = set.policy("istio-system", "everywhere").unwrap();
    let config = serde_json::to_string(&PluginConfig::of_policy(&set, policy)).unwrap();
    let mesh = Mesh::with_configs(&[config], &[]);
    let request = Request::get("/orders")
        .header("peergate.enforced_along", "istio-system/everywhere")
        .header("x-peergate-enforced-along", "istio-system/everywhere");
    let denied = mesh.client_as(WEB).send(&request).unwrap();
    assert_denied(&denied, "no-rule-matched");
}
