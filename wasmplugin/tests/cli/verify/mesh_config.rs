//! Istio's mesh config beside the documents.

use serde_json::{Value, json};

use super::ambient::mesh;
use super::{Mesh, folder, run, text};

/// The `ConfigMap` with a mesh config.
fn config_map(config: &str) -> String {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "istio", "namespace": "istio-system"},
        "data": {"mesh": config},
    })
    .to_string()
}

/// Those of the shop.
const ALIASES: &str = "trustDomainAliases: [old.cluster.local]";

fn found(config: &str) -> Vec<[String; 3]> {
    Mesh::good()
        .with("istio.json", &config_map(config))
        .findings()
}

/// What Istio's chart writes of the values.
#[test]
fn what_istio_is_installed_with_is_what_the_documents_say() {
    let out = folder(&[]);
    let run = run(&["install-values", "-f", super::SHOP, "-o", text(out.path())]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let values = std::fs::read_to_string(out.path().join("istiod.values.yaml")).unwrap();
    let mut lines = values.lines().skip_while(|line| *line != "meshConfig:");
    lines.next();
    let config: Vec<_> = lines
        .take_while(|line| line.starts_with(' '))
        .map(|line| line.get(2..).unwrap())
        .collect();
    let config = config.join("\n");
    assert!(config.contains("pathNormalization"), "{config}");
    assert_eq!(found(&config), [[""; 3]; 0]);
}

#[test]
fn a_mesh_config_that_changes_what_rules_mean_is_found() {
    for (config, message) in [
        ("# nothing", None),
        ("pathNormalization: {normalization: DEFAULT}", None),
        ("pathNormalization: {normalization: BASE}", None),
        (
            "pathNormalization: {normalization: NONE}",
            Some("its `pathNormalization.normalization` is `NONE`, and the `Mesh` says `BASE`"),
        ),
        (
            "pathNormalization: {normalization: MERGE_SLASHES}",
            Some(
                "its `pathNormalization.normalization` is `MERGE_SLASHES`, and the `Mesh` says `BASE`",
            ),
        ),
        (
            "trustDomain: other.example",
            Some("its `trustDomain` is `other.example`, and the `Mesh` says `cluster.local`"),
        ),
        (
            "rootNamespace: elsewhere",
            Some("its `rootNamespace` is `elsewhere`, and the `Mesh` says `istio-system`"),
        ),
    ] {
        let found = found(&format!("{ALIASES}\n{config}"));
        match message {
            Some(message) => assert_eq!(
                found,
                [[
                    "changed-mesh-config",
                    "ConfigMap istio-system/istio",
                    message
                ]]
            ),
            None => assert_eq!(found, [[""; 3]; 0], "{config}"),
        }
    }
}

#[test]
fn trust_domains_that_the_mesh_does_not_have_are_found() {
    for (config, aliases) in [
        ("", "[]"),
        ("{}", "[]"),
        ("trustDomainAliases: [other.example]", "[other.example]"),
        (
            "trustDomainAliases: [other.example, old.cluster.local]",
            "[old.cluster.local, other.example]",
        ),
    ] {
        let message = format!(
            "its `trustDomainAliases` is `{aliases}`, and the `Mesh` says `[old.cluster.local]`"
        );
        let expected = [
            "changed-mesh-config",
            "ConfigMap istio-system/istio",
            &message,
        ];
        assert_eq!(found(config), [expected], "{config}");
    }
}

#[test]
fn a_mesh_config_that_cannot_be_read_is_not_judged() {
    for config in ["- a", "a: [", "text", "a: 1\na: 2"] {
        let expected = [
            "not-checked",
            "ConfigMap istio-system/istio",
            "its `data.mesh` is not a mesh config in YAML",
        ];
        assert_eq!(found(config), [expected], "{config}");
    }
}

#[test]
fn a_provider_that_custom_rules_ask_is_an_authorizer_that_denies_when_it_fails() {
    let asking = "`gate`, which rule `asked` of policy `shop/broker` asks";
    let authorizer = |more: Value| {
        let mut http = json!({"service": "gate.shop.svc.cluster.local", "port": 80});
        http.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!([{"name": "gate", "envoyExtAuthzHttp": http}])
    };
    let open = Some(format!(
        "its extension provider {asking}, has `failOpen`: requests pass when it does not answer"
    ));
    for (providers, message) in [
        (authorizer(json!({})), None),
        (authorizer(json!({"failOpen": false})), None),
        (authorizer(json!({"failOpen": true})), open.clone()),
        (
            json!([{"name": "gate", "envoyExtAuthzGrpc": {"failOpen": true}}]),
            open,
        ),
        (
            json!([{"name": "other", "envoyExtAuthzGrpc": {}}]),
            Some(format!("it has no extension provider {asking}")),
        ),
        (
            json!([]),
            Some(format!("it has no extension provider {asking}")),
        ),
        (
            json!([{"name": "gate", "prometheus": {}}]),
            Some(format!(
                "its extension provider {asking}, is no external authorizer"
            )),
        ),
    ] {
        let rule = json!({"id": "asked", "effect": "Custom", "provider": "gate", "to": [{"paths": ["/admin"]}]});
        let spec = json!({"selector": {"matchLabels": {"app": "broker"}}, "rules": [rule]});
        let config = json!({"extensionProviders": providers}).to_string();
        let found = mesh(&spec, "1.30", &[&format!("{}\n", config_map(&config))]).findings();
        let of_config: Vec<_> = found
            .iter()
            .filter(|[code, ..]| code == "changed-mesh-config")
            .map(|[.., message]| message.clone())
            .collect();
        let expected: Vec<_> = message.into_iter().collect();
        assert_eq!(of_config, expected, "{providers}");
    }
}
