//! Documents of a mesh for random policies, and their validation.

use policy_schema::diagnostic::SourceText;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, Validated, validate};
use serde_json::{Value, json};

/// The mesh of random policies and requests, with these additional fields.
pub(crate) fn mesh(more: Value) -> Value {
    let mut mesh = json!({
        "apiVersion": "peergate.dev/v1alpha1",
        "kind": "Mesh",
        "metadata": {"name": "test"},
        "spec": {
            "trustDomain": "td1",
            "trustDomainAliases": ["td2", "td3"],
            "istioVersion": "1.31",
            "filter": {"image": "file:///peergate_filter.wasm"},
            "mtls": {"mode": "Permissive"},
            "defaults": {"otherwise": "Pass"},
        },
    });
    if let (Value::Object(spec), Value::Object(more)) = (&mut mesh["spec"], more) {
        spec.extend(more);
    }
    mesh
}

pub(crate) fn policy(namespace: &str, name: &str, spec: Value) -> Value {
    json!({
        "apiVersion": "peergate.dev/v1alpha1",
        "kind": "ServicePolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    })
}

/// The texts of the documents, and the result of validation.
pub(crate) fn validated(documents: &[Value]) -> (Vec<SourceText>, Validated) {
    let source = |document: &Value| SourceText {
        name: "test".to_owned(),
        text: document.to_string(),
    };
    let sources: Vec<_> = documents.iter().map(source).collect();
    let options = Options {
        at: Timestamp::from_unix_nanoseconds(0),
        istio_version: None,
    };
    let validated = validate(&sources, options);
    (sources, validated)
}
