//! The JSON Schema accepts random policies that `validate` accepts.

use jsonschema::Validator;
use peergate_tests::random::policy;
use policy_schema::code::Severity;
use policy_schema::diagnostic::SourceText;
use policy_schema::json_schema::{plugin_config, policy_document};
use policy_schema::plugin_config::PluginConfig;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, validate};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

const CASES: usize = 400;

/// The documents of a random policy: the mesh, and the policy at a gateway or at a workload.
fn documents(config: &PluginConfig) -> [Value; 2] {
    let mesh = json!({
        "apiVersion": "peergate.dev/v1alpha1",
        "kind": "Mesh",
        "metadata": {"name": "test"},
        "spec": {
            "trustDomain": config.mesh.trust_domain,
            "trustDomainAliases": ["td2", "td3"],
            "istioVersion": "1.31",
            "filter": {"image": "file:///peergate_filter.wasm"},
            "mtls": {"mode": "Permissive"},
        },
    });
    let place = if config.at_gateway {
        let group = "gateway.networking.k8s.io";
        (
            "targetRefs",
            json!([{"group": group, "kind": "Gateway", "name": "public"}]),
        )
    } else {
        ("selector", json!({"matchLabels": {"app": "model"}}))
    };
    let policy = json!({
        "apiVersion": "peergate.dev/v1alpha1",
        "kind": "ServicePolicy",
        "metadata": config.policy,
        "spec": {
            place.0: place.1,
            "enforcement": config.enforcement,
            "otherwise": config.otherwise,
            "rules": config.rules,
        },
    });
    [mesh, policy]
}

fn is_accepted(documents: &[Value]) -> bool {
    let sources: Vec<_> = documents
        .iter()
        .map(|document| SourceText {
            name: "test".to_owned(),
            text: document.to_string(),
        })
        .collect();
    let options = Options {
        at: Timestamp::from_unix_nanoseconds(0),
        istio_version: None,
    };
    let mut found = validate(&sources, options).diagnostics.into_iter();
    found.all(|diagnostic| diagnostic.severity() != Severity::Error)
}

fn assert_accepts(schema: &Validator, value: &Value) {
    let refused: Vec<_> = schema
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(refused.is_empty(), "{refused:#?}\n{value}");
}

#[test]
fn random_documents_and_plugin_configs_are_accepted() {
    let mut runner = TestRunner::deterministic();
    let of_documents = jsonschema::validator_for(&policy_document().to_value()).unwrap();
    let of_configs = jsonschema::validator_for(&plugin_config().to_value()).unwrap();
    let mut accepted = 0;
    for _ in 0..CASES {
        let config = policy().new_tree(&mut runner).unwrap().current();
        assert_accepts(&of_configs, &serde_json::to_value(&config).unwrap());
        let documents = documents(&config);
        if is_accepted(&documents) {
            accepted += 1;
            for document in &documents {
                assert_accepts(&of_documents, document);
            }
        }
    }
    assert!(accepted > CASES / 10, "{accepted}");
}
