//! Objects as clusters print them.

use policy_schema::import::Options;

use super::{MESH, imported, messages};

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
fn what_cannot_be_understood_as_an_object_is_refused() {
    for text in [
        "metadata: {name: a}\nspec: {rules: [{}]}\n",
        "apiVersion: v1\nkind: List\nitems: [{metadata: {name: a}, spec: {}}]\n",
        "[{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy}]\n",
    ] {
        let imported = imported(&[MESH, text], &Options::default());
        assert!(imported.documents.is_none(), "{text}");
    }
}
