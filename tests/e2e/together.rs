//! Several policies for one workload, each with its own filter in the same proxy.

use peergate_sandbox::Request;
use policy_schema::decision_id::DecisionRecord;
use policy_schema::diagnostic::SourceText;
use policy_schema::engine::CompiledPolicy;
use policy_schema::policy::PolicySet;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, validate};
use serde_json::{Value, json};

use crate::mesh::{Mesh, WEB, assert_allowed, assert_denied, decision_id};

const BATCH: &str = "spiffe://cluster.local/ns/batch/sa/run";
const PROBE: &str = "spiffe://cluster.local/ns/monitoring/sa/probe";

/// A policy each for the workload, for back ends in the mesh, and for the whole mesh.
const POLICIES: &str = r#"
apiVersion: peergate.dev/v1alpha1
kind: Mesh
metadata: {name: test}
spec: {trustDomain: cluster.local, istioVersion: "1.29", pathNormalization: DecodeAndMergeSlashes, filter: {image: "file:///peergate_filter.wasm"}}
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
  tcpPorts: [6379]
  rules:
    - {id: probes, effect: Allow, from: [{serviceAccounts: [monitoring/probe]}]}
    - {id: no-admin, effect: Deny, to: [{paths: ["/admin*"]}]}
"#;

fn policies(text: &str) -> PolicySet {
    let source = SourceText {
        name: "policies.yaml".to_owned(),
        text: text.to_owned(),
    };
    let options = Options {
        at: Timestamp::from_unix_nanoseconds(0),
        istio_version: None,
    };
    let validated = validate(&[source], options);
    assert_eq!(validated.diagnostics, []);
    validated.policies.unwrap()
}

/// The plugin config of a policy.
fn config_of(set: &PolicySet, namespace: &str, name: &str) -> Value {
    let policy = set.policy(namespace, name).unwrap();
    serde_json::to_value(set.plugin_config(policy)).unwrap()
}

/// The filters of these configs, in this order.
fn filters(configs: &[&Value], labels: &[(&str, &str)]) -> Mesh {
    let configs: Vec<_> = configs.iter().map(ToString::to_string).collect();
    Mesh::with_configs(&configs, labels)
}

/// The filters of all policies, ordered by priority.
fn mesh(labels: &[(&str, &str)]) -> Mesh {
    let set = policies(POLICIES);
    let orders = config_of(&set, "shop", "orders");
    let back_ends = config_of(&set, "istio-system", "back-ends");
    let everywhere = config_of(&set, "istio-system", "everywhere");
    if labels.contains(&("tier", "back")) {
        filters(&[&orders, &back_ends, &everywhere], labels)
    } else {
        filters(&[&orders, &everywhere], labels)
    }
}

#[test]
fn another_policy_does_not_deny_allowed_requests() {
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
fn a_policy_for_other_workloads_has_no_effect() {
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
fn a_policy_whose_labels_are_unknown_to_the_leader_adds_its_denials() {
    let set = policies(POLICIES);
    let orders = config_of(&set, "shop", "orders");
    let mut back_ends = config_of(&set, "istio-system", "back-ends");
    let everywhere = config_of(&set, "istio-system", "everywhere");
    add_rule(&mut back_ends, &incident(None));
    // As on a pod that `back-ends` selects, but whose proxy does not report its labels.
    let mesh = filters(&[&orders, &back_ends, &everywhere], &[]);
    let web = mesh.client_as(WEB);
    assert_allowed(&web.send(&Request::get("/orders")).unwrap());
    let denied = web.send(&Request::get("/hack")).unwrap();
    assert_denied(&denied, "denied-by-rule");
    // The leader does not know that it allows this caller.
    let denied = mesh
        .client_as(BATCH)
        .send(&Request::get("/orders"))
        .unwrap();
    assert_denied(&denied, "no-rule-matched");
}

#[test]
fn clients_cannot_forge_announcements() {
    let set = policies(POLICIES);
    let config = config_of(&set, "istio-system", "everywhere");
    let compiled = CompiledPolicy::from_json(config.to_string().as_bytes()).unwrap();
    let digest = compiled.policies().first().unwrap().digest();
    let announcement = format!("allowed\\nistio-system/everywhere {digest}");
    let mesh = filters(&[&config], &[]);
    let mut request = Request::get("/orders");
    for name in [
        "peergate.enforced",
        "wasm.peergate.enforced",
        "x-peergate-enforced",
    ] {
        request = request.header(name, &announcement);
    }
    let denied = mesh.client_as(WEB).send(&request).unwrap();
    assert_denied(&denied, "no-rule-matched");
}

/// A `Deny` rule that an operator adds in an emergency.
fn incident(not_after: Option<&str>) -> Value {
    let mut rule = json!({"id": "incident", "effect": "Deny", "to": [{"paths": ["/hack*"]}]});
    if let Some(not_after) = not_after {
        rule["notAfter"] = not_after.into();
    }
    rule
}

fn add_rule(config: &mut Value, rule: &Value) {
    config["rules"].as_array_mut().unwrap().push(rule.clone());
}

#[test]
fn a_denial_is_in_force_at_once_whichever_config_it_is_added_to_and_whichever_filter_is_first() {
    let set = policies(POLICIES);
    let labels = [("app", "orders"), ("tier", "back")];
    let configs = [
        config_of(&set, "shop", "orders"),
        config_of(&set, "istio-system", "back-ends"),
        config_of(&set, "istio-system", "everywhere"),
    ];
    for (edited, not_after) in [
        (0, None),
        (1, Some("2500-01-01T00:00:00Z")),
        (2, None),
        (2, Some("2500-01-01T00:00:00Z")),
    ] {
        let mut configs = configs.clone();
        add_rule(&mut configs[edited], &incident(not_after));
        let [orders, back_ends, everywhere] = &configs;
        for order in [
            [orders, back_ends, everywhere],
            [everywhere, back_ends, orders],
        ] {
            let mesh = filters(&order, &labels);
            let probe = mesh.client_as(PROBE);
            let denied = probe.send(&Request::get("/hack")).unwrap();
            assert_denied(&denied, "denied-by-rule");
            let id = decision_id(&denied).unwrap();
            let record = DecisionRecord::decode(&id).unwrap();
            let names = [
                "shop/orders",
                "istio-system/back-ends",
                "istio-system/everywhere",
            ];
            if order[0] == orders {
                assert_eq!(record.policy, names[edited]);
                // All three policies allow the same callers as before.
                for caller in [WEB, BATCH, PROBE] {
                    let client = mesh.client_as(caller);
                    assert_allowed(&client.send(&Request::get("/orders")).unwrap());
                }
            }
        }
    }
}

#[test]
fn in_the_middle_of_a_roll_out_what_old_and_new_documents_allow_passes_and_what_either_denies_does_not()
 {
    let old = policies(POLICIES);
    // `web` moves to the policy `everywhere`, `batch` loses access, and another path is denied.
    let new = POLICIES
        .replace("[web]", "[other]")
        .replace("[batch]", "[nobody]")
        .replace("monitoring/probe]", "monitoring/probe, shop/web]")
        .replace(r#"["/admin*"]"#, r#"["/admin*", "/hack*"]"#);
    let new = policies(&new);
    let names = [
        ("shop", "orders"),
        ("istio-system", "back-ends"),
        ("istio-system", "everywhere"),
    ];
    let labels = [("app", "orders"), ("tier", "back")];
    for is_new in [
        [false, false, true],
        [true, false, false],
        [false, true, false],
        [true, true, false],
    ] {
        let mut configs = Vec::new();
        for ((namespace, name), is_new) in names.into_iter().zip(is_new) {
            configs.push(config_of(if is_new { &new } else { &old }, namespace, name));
        }
        let mesh = filters(&configs.iter().collect::<Vec<_>>(), &labels);
        for caller in [WEB, PROBE] {
            let client = mesh.client_as(caller);
            assert_allowed(&client.send(&Request::get("/orders")).unwrap());
            let denied = client.send(&Request::get("/hack")).unwrap();
            assert_denied(&denied, "denied-by-rule");
        }
    }
}
