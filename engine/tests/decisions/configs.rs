//! Configs that are rejected.

use peergate_engine::engine::CompiledPolicy;
use serde_json::{Value, json};

use super::config;

pub(crate) fn rejects_configs_with_unknown_or_invalid_parts() {
    let rule = |extra: Value| {
        let mut rule = json!({"id": "r", "effect": "Allow"});
        rule.as_object_mut()
            .expect("a rule")
            .extend(extra.as_object().expect("fields").clone());
        config(&json!([rule])).to_string()
    };
    let with = |key: &str, value: Value| {
        let mut config = config(&json!([]));
        config[key] = value;
        config.to_string()
    };
    let cases = [
        (String::new(), "the plugin config is empty"),
        (" \n".to_owned(), "the plugin config is empty"),
        ("null".to_owned(), "invalid plugin config: "),
        ("{}".to_owned(), "missing field"),
        ("{".to_owned(), "invalid plugin config: "),
        (with("apiVersion", json!("peergate.dev/v2")), "unknown variant"),
        (with("extra", json!(1)), "unknown field `extra`"),
        (with("rules", Value::Null), "invalid plugin config: "),
        (with("enforcement", json!("shadow")), "unknown variant"),
        (with("mesh", json!({"trustDomain": "A"})), "mesh.trustDomain: "),
        (
            with("mesh", json!({"trustDomain": "a", "trustDomainAliases": ["b", "/"]})),
            "mesh.trustDomainAliases[1]: ",
        ),
        (
            with("knownGateways", json!(["edge/a=b", "edge"])),
            "knownGateways[1]: ",
        ),
        (
            rule(json!({"from": [{"clientCertificates": ["*"]}]})),
            "rules[0].from[0].clientCertificates: ",
        ),
        (with("policy", json!({"namespace": "A", "name": "b"})), "policy.namespace: "),
        (with("policy", json!({"namespace": "a", "name": ""})), "policy.name: "),
        (rule(json!({"effect": "allow"})), "unknown variant `allow`"),
        (rule(json!({"form": []})), "unknown field `form`"),
        (rule(json!({"from": null})), "`null`"),
        (rule(json!({"notAfter": null})), "`null`"),
        (rule(json!({"from": [{"namespaces": ["a"], "notPrincipals": null}]})), "`null`"),
        (rule(json!({"from": []})), "rules[0].from: the list is empty [empty-list]"),
        (rule(json!({"from": [{"notNamespace": ["a"]}]})), "unknown field `notNamespace`"),
        (rule(json!({"to": [{"paths": ["a"]}]})), "rules[0].to[0].paths[0]: "),
        (rule(json!({"to": [{"ports": [70000]}]})), "invalid plugin config: "),
        (rule(json!({"to": [{"ports": ["80"]}]})), "invalid plugin config: "),
        (rule(json!({"to": [{"methods": ["GET"], "paths": []}, {}]})), "(and 1 more)"),
        (
            r#"{"apiVersion":"peergate.dev/v1alpha1","mesh":{"trustDomain":"a"},"policy":{"namespace":"a","name":"b"},"rules":[],"rules":[]}"#.to_owned(),
            "duplicate field `rules`",
        ),
    ];
    for (json, expected) in cases {
        let error = CompiledPolicy::from_json(json.as_bytes())
            .expect_err(&json)
            .to_string();
        assert!(error.contains(expected), "{json}: {error}");
    }
}
