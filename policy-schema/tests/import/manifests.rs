//! Objects in the format of a cluster.

use policy_schema::import::{Options, Outcome};
use serde_json::json;

use super::{MESH, imported, messages, policy, whole};

/// As the API server returns them: the items do not repeat the kind of their list.
#[test]
fn items_of_typed_lists_are_imported() {
    let policies = "apiVersion: security.istio.io/v1
kind: AuthorizationPolicyList
items:
- metadata: {name: a, namespace: shop}
  spec: {action: DENY, rules: [{}]}
";
    let modes = "apiVersion: security.istio.io/v1
kind: PeerAuthenticationList
items:
- metadata: {name: default, namespace: istio-system}
  spec: {mtls: {mode: STRICT}}
";
    let nested = format!(
        "apiVersion: v1\nkind: List\nitems:\n-\n{}",
        policies
            .replace('\n', "\n  ")
            .replacen("apiVersion", "  apiVersion", 1)
    );
    for policies in [policies, &nested] {
        let imported = imported(&[MESH, policies, modes], &Options::default());
        let documents = imported.documents.as_ref().expect("they are imported");
        assert_eq!(documents.policies.len(), 1, "{}", messages(&imported));
        let mesh = serde_json::to_value(&documents.mesh).unwrap();
        assert_eq!(mesh["spec"]["mtls"]["mode"], "Strict");
    }
}

#[test]
fn reports_invalid_objects_and_imports_the_rest() {
    for text in [
        "metadata: {name: a}\nspec: {rules: [{}]}\n",
        "apiVersion: v1\nkind: List\nitems: [{metadata: {name: a}, spec: {}}]\n",
        "[{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy}]\n",
        "a: {{ .Values.a }}\n",
        "a: [\n",
    ] {
        let imported = imported(&[MESH, text, &policy("ALLOW", "{}")], &Options::default());
        let outcomes: Vec<_> = imported
            .findings
            .iter()
            .map(|found| found.outcome)
            .collect();
        assert_eq!(outcomes, [Outcome::Unreadable], "{text}");
        assert_eq!(imported.documents.unwrap().policies.len(), 1, "{text}");
    }
}

/// Fields that the API server and tools add, and spellings that clusters accept.
#[test]
fn reads_objects_from_clusters_and_tools() {
    let dump = r#"apiVersion: v1
kind: List
metadata: {resourceVersion: ""}
items:
- apiVersion: security.istio.io/v1
  kind: AuthorizationPolicy
  metadata:
    annotations:
      kubectl.kubernetes.io/last-applied-configuration: |
        {"apiVersion":"security.istio.io/v1"}
      team: checkout
    creationTimestamp: "2026-01-05T09:12:44Z"
    finalizers: [a.example/b]
    generateName: cart-
    generation: 1
    labels: {app.kubernetes.io/managed-by: Helm, tier: backend}
    managedFields: [{manager: kubectl, operation: Update}]
    name: cart
    namespace: shop
    ownerReferences: [{kind: App, name: a}]
    resourceVersion: "48213"
    selfLink: /apis
    uid: 6a5b0d0e-3f0e-4b1e-9a55-0d3c1f7b2c11
  spec:
    rules:
    - from: [{source: {principals: [cluster.local/ns/shop/sa/web]}}]
    selector: {matchLabels: {app: cart}}
  status: {conditions: [{type: Reconciled}]}
"#;
    let gitops = "apiVersion: security.istio.io/v1beta1
kind: AuthorizationPolicy
metadata:
  name: cart
  namespace: shop
  labels:
  annotations: ~
spec:
  selector:
    matchLabels: &labels
      app: cart
  action:
  rules:
    - from:
        - source:
            principals: [
              \"cluster.local/ns/shop/sa/web\",
            ]
      to:
      when: null
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: istio-system}
spec:
  selector:
  mtls: {mode: STRICT}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: cart, namespace: shop}
spec:
  selector: {matchLabels: {app: cart}}
  portLevelMtls:
    9100: {mode: PERMISSIVE}
";
    let mut rules = Vec::new();
    for text in [dump, gitops] {
        let found = imported(&[MESH, text], &Options::default());
        let messages = messages(&found);
        let documents = whole(found).expect(&messages);
        let spec = &documents.policies[0].document.spec;
        assert_eq!(spec.selector.as_ref().unwrap().match_labels["app"], "cart");
        rules.push(serde_json::to_value(&spec.rules).unwrap());
        let metadata = serde_json::to_value(&documents.policies[0].document.metadata).unwrap();
        let mesh = serde_json::to_value(&documents.mesh).unwrap();
        if text == dump {
            assert_eq!(metadata["labels"], json!({"tier": "backend"}));
            assert_eq!(metadata["annotations"], json!({"team": "checkout"}));
        } else {
            assert_eq!(
                mesh["spec"]["mtls"]["exceptions"][0]["ports"],
                json!([9100])
            );
            assert!(messages.contains("`to` has no value"), "{messages}");
        }
    }
    let mut of_dump = rules.remove(0);
    of_dump[0].as_object_mut().unwrap().remove("to");
    let mut of_gitops = rules.remove(0);
    of_gitops
        .as_array_mut()
        .unwrap()
        .retain(|rule| rule["id"] != "cart-anonymous");
    assert_eq!(of_gitops[0]["from"], of_dump[0]["from"]);
}

#[test]
fn comments_stay_with_their_rules() {
    let text = "# Owned by checkout.
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: cart, namespace: shop} # see the runbook
spec:
  selector: {matchLabels: {app: cart}}
  # All that is allowed.
  rules:
  # Browsers come
  # through the web front end.
  - from: [{source: {principals: [td1/ns/shop/sa/web]}}] # for now
    # reads only
    to: [{operation: {methods: [GET]}}]
    # since 2024

  # Jobs.
  - from: [{source: {principals: [td1/ns/shop/sa/jobs]}}]
# The end.
";
    let documents = whole(imported(&[MESH, text], &Options::default())).unwrap();
    let policy = &documents.policies[0];
    assert_eq!(
        policy.origins[0].comments,
        [
            "Owned by checkout.",
            "see the runbook",
            "All that is allowed.",
            "The end."
        ]
    );
    let of_rules: Vec<_> = policy
        .rule_origins
        .iter()
        .map(|rule| rule.comments.join("|"))
        .collect();
    assert_eq!(
        of_rules,
        [
            "Browsers come|through the web front end.|for now|reads only|since 2024",
            "Jobs."
        ]
    );
    let ids: Vec<_> = policy
        .document
        .spec
        .rules
        .iter()
        .map(|rule| &*rule.id)
        .collect();
    assert_eq!(ids, ["web", "jobs"]);
}
