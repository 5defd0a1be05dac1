//! Compares Istio's mesh config with the documents.

mod installation;

use serde_json::{Value, json};

use super::ambient::{mesh, mesh_with_line};
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

/// The trust domain aliases of the shop.
const ALIASES: &str = "trustDomainAliases: [old.cluster.local]";

/// The settings that the shop requires of its proxies.
const STRICT: &str =
    "meshMTLS: {minProtocolVersion: TLSV1_3}\noutboundTrafficPolicy: {mode: REGISTRY_ONLY}";

fn found(config: &str) -> Vec<[String; 3]> {
    Mesh::good()
        .with("istio.json", &config_map(config))
        .findings()
}

/// The mesh config that Istio's chart renders from the values.
#[test]
fn accepts_the_mesh_config_that_istio_is_installed_with() {
    let out = folder(&[]);
    let run = run(&[
        "install-values",
        "-f",
        super::SHOP,
        "--out",
        text(out.path()),
    ]);
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
fn reports_a_mesh_config_that_changes_the_meaning_of_rules() {
    for (config, message) in [
        ("# nothing", None),
        // Istio's chart writes these itself.
        (
            "defaultConfig:\n  discoveryAddress: istiod.istio-system.svc:15012\n  image: {imageType: distroless}\ndefaultProviders: {metrics: [prometheus]}\nenablePrometheusMerge: true\nrootNamespace: istio-system\ntrustDomain: cluster.local",
            None,
        ),
        ("pathNormalization: {normalization: DEFAULT}", None),
        ("pathNormalization: {normalization: BASE}", None),
        (
            "pathNormalization: {normalization: NONE}",
            Some("its `pathNormalization.normalization` is `NONE`, but the `Mesh` has `BASE`"),
        ),
        (
            "pathNormalization: {normalization: MERGE_SLASHES}",
            Some(
                "its `pathNormalization.normalization` is `MERGE_SLASHES`, but the `Mesh` has `BASE`",
            ),
        ),
        (
            "trustDomain: other.example",
            Some("its `trustDomain` is `other.example`, but the `Mesh` has `cluster.local`"),
        ),
        (
            "rootNamespace: elsewhere",
            Some("its `rootNamespace` is `elsewhere`, but the `Mesh` has `istio-system`"),
        ),
    ] {
        let found = found(&format!("{ALIASES}\n{STRICT}\n{config}"));
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

/// istiod reads its mesh config from its own namespace, and mesh-wide policies from the root namespace.
#[test]
fn reads_a_mesh_config_from_any_istiod_or_root_namespace() {
    let spec = json!({"selector": {"matchLabels": {"app": "broker"}}, "rules": []});
    let config = format!("rootNamespace: policies\ntrustDomain: other.example\n{STRICT}");
    for (namespace, name, is_read) in [
        ("istio-system", "istio", true),
        ("policies", "istio", true),
        ("istio-control", "istio", true),
        ("istio-system", "istio-canary", false),
        ("istio-system", "mesh", false),
    ] {
        let object = config_map(&config)
            .replace("\"istio-system\"", &format!("\"{namespace}\""))
            .replace("\"istio\"", &format!("\"{name}\""));
        let found = mesh_with_line("rootNamespace: policies", &spec, "1.30", &[&object]).findings();
        let mut changed = found
            .iter()
            .filter(|[_, subject, _]| subject.starts_with("ConfigMap"));
        let message = "its `trustDomain` is `other.example`, but the `Mesh` has `cluster.local`";
        let subject = format!("ConfigMap {namespace}/istio");
        let expected = ["changed-mesh-config", &subject, message].map(str::to_owned);
        let expected = Some(&expected).filter(|_| is_read);
        assert_eq!(changed.next(), expected, "{namespace}/{name}");
        assert_eq!(changed.next(), None);
    }
}

#[test]
fn reports_undeclared_trust_domains() {
    for (config, aliases) in [
        ("", "[]"),
        ("trustDomainAliases: null", "[]"),
        ("trust_domain_aliases: [other.example]", "[other.example]"),
        ("trustDomainAliases: [other.example]", "[other.example]"),
        (
            "trustDomainAliases: [other.example, old.cluster.local]",
            "[old.cluster.local, other.example]",
        ),
    ] {
        let message = format!(
            "its `trustDomainAliases` is `{aliases}`, but the `Mesh` has `[old.cluster.local]`"
        );
        let expected = [
            "changed-mesh-config",
            "ConfigMap istio-system/istio",
            &message,
        ];
        assert_eq!(
            found(&format!("{STRICT}\n{config}")),
            [expected],
            "{config}"
        );
    }
}

#[test]
fn skips_an_unreadable_mesh_config() {
    let no_yaml = "its `data.mesh` is not a mesh config in YAML";
    let no_message = "in its mesh config, the mesh config is not a mapping";
    for (config, message) in [
        ("- a", no_message),
        ("text", no_message),
        ("a: [", no_yaml),
        ("a: 1\na: 2", no_yaml),
    ] {
        let expected = ["not-checked", "ConfigMap istio-system/istio", message];
        assert_eq!(found(config), [expected], "{config}");
    }
}

/// The rest of the mesh config is still compared.
#[test]
fn reports_fields_that_istiod_refuses_or_ignores() {
    let unknown = "is unknown to Istio, which ignores it";
    for (field, message) in [
        (
            "pathNormalization: {normalization: base}",
            "`pathNormalization.normalization` is `\"base\"`, not one of `DEFAULT`, `NONE`, `BASE`, `MERGE_SLASHES`, `DECODE_AND_MERGE_SLASHES`",
        ),
        ("rootNamespace: 5", "`rootNamespace` is `5`, not text"),
        (
            "extensionProviders: [{name: a, envoyExtAuthzHttp: {failOpen: 1}}]",
            "`extensionProviders[0].envoyExtAuthzHttp.failOpen` is `1`, not `true` or `false`",
        ),
        (
            "trustdomain: cluster.local",
            &format!("`trustdomain` {unknown}"),
        ),
        (
            "pathNormalisation: {normalization: NONE}",
            &format!("`pathNormalisation` {unknown}"),
        ),
    ] {
        let config = format!("{ALIASES}\n{STRICT}\n{field}\ntrust_domain: evil.example");
        let subject = "ConfigMap istio-system/istio".to_owned();
        let expected = [
            [
                "changed-mesh-config".to_owned(),
                subject.clone(),
                "its `trustDomain` is `evil.example`, but the `Mesh` has `cluster.local`"
                    .to_owned(),
            ],
            [
                "not-checked".to_owned(),
                subject,
                format!("in its mesh config, {message}"),
            ],
        ];
        assert_eq!(found(&config), expected, "{field}");
    }
}

#[test]
fn reports_proxies_that_accept_or_reach_more_than_the_mesh_allows() {
    let tls = "its `meshMTLS.minProtocolVersion` is `TLSV1_2`, but the `Mesh` requires `TLSV1_3`";
    let outbound =
        "its `outboundTrafficPolicy.mode` is `ALLOW_ANY`, but the `Mesh` requires `REGISTRY_ONLY`";
    for (config, expected) in [
        ("", &[tls, outbound][..]),
        (
            "mesh_MTLS: {minProtocolVersion: TLSV1_3}\noutboundTrafficPolicy: {mode: REGISTRY_ONLY}",
            &[tls],
        ),
        (
            "mesh_mTLS: {min_protocol_version: 2}\noutbound_traffic_policy: {mode: 1}",
            &[outbound],
        ),
        (
            "meshMTLS: {minProtocolVersion: TLSV1_3}\noutboundTrafficPolicy: {}",
            &[],
        ),
    ] {
        let found = found(&format!("{ALIASES}\n{config}"));
        let changed: Vec<_> = found
            .iter()
            .filter(|[code, ..]| code == "changed-mesh-config")
            .map(|[.., message]| message)
            .collect();
        assert_eq!(changed, expected, "{config}");
    }
}

#[test]
fn skips_settings_that_depend_on_more_than_the_mesh_config() {
    for (setting, message) in [
        (
            "ca: {address: a.example}",
            "its `ca` names an authority that can issue any identity of the mesh",
        ),
        (
            "config_sources: [{address: 'fs:///a'}]",
            "its `configSources` makes Istio read policies from outside this cluster",
        ),
        (
            "caCertificates: [{pem: a}]",
            "its `caCertificates` trusts additional authorities, each of which can issue any identity of the mesh",
        ),
        (
            "ca_certificates: [{spiffeBundleUrl: a}]",
            "its `caCertificates` trusts additional authorities, each of which can issue any identity of the mesh",
        ),
    ] {
        let expected = ["not-checked", "ConfigMap istio-system/istio", message];
        assert_eq!(
            found(&format!("{ALIASES}\n{STRICT}\n{setting}")),
            [expected],
            "{setting}"
        );
    }
}

#[test]
fn custom_rule_providers_must_be_authorizers_that_fail_closed() {
    let asking = "`gate`, which rule `asked` of policy `shop/broker` names";
    let authorizer = |more: Value| {
        let mut http = json!({"service": "gate.shop.svc.cluster.local", "port": 80});
        http.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!([{"name": "gate", "envoyExtAuthzHttp": http}])
    };
    let open = Some(format!(
        "its extension provider {asking}, sets `failOpen`: requests pass if it does not respond"
    ));
    for (providers, message) in [
        (authorizer(json!({})), None),
        (authorizer(json!({"failOpen": false})), None),
        (authorizer(json!({"failOpen": true})), open.clone()),
        (authorizer(json!({"fail_open": true})), open.clone()),
        (
            json!([
                {"name": "gate", "envoyExtAuthzHttp": {}},
                {"name": "gate", "envoy_ext_authz_http": {"failOpen": true}},
            ]),
            open.clone(),
        ),
        (
            json!([{"name": "gate", "envoyExtAuthzGrpc": {"failOpen": true}}]),
            open,
        ),
        (
            json!([{"name": "other", "envoyExtAuthzGrpc": {}}]),
            Some(format!("has no extension provider {asking}")),
        ),
        (
            json!([]),
            Some(format!("has no extension provider {asking}")),
        ),
        (
            json!([{"name": "gate", "prometheus": {}}]),
            Some(format!(
                "its extension provider {asking}, is not an external authorizer"
            )),
        ),
    ] {
        let rule = json!({"id": "asked", "effect": "Custom", "provider": "gate", "to": [{"paths": ["/admin"]}]});
        let spec = json!({"selector": {"matchLabels": {"app": "broker"}}, "rules": [rule]});
        let tls = json!({"minProtocolVersion": "TLSV1_3"});
        let config = json!({"extensionProviders": providers, "meshMTLS": tls}).to_string();
        let found = mesh(&spec, "1.30", &[&format!("{}\n", config_map(&config))]).findings();
        let config_findings: Vec<_> = found
            .iter()
            .filter(|[code, ..]| code == "changed-mesh-config")
            .map(|[.., message]| message.clone())
            .collect();
        let expected: Vec<_> = message.into_iter().collect();
        assert_eq!(config_findings, expected, "{providers}");
    }
}

#[test]
fn reports_namespaces_that_istio_does_not_see() {
    let hides =
        "its `discoverySelectors` hide [istio-ingress] from Istio: policies there are not enforced";
    let unknown = "its `discoverySelectors` may hide namespaces from Istio: policies there would not be enforced";
    let root = "{matchLabels: {kubernetes.io/metadata.name: istio-system}}";
    let own = "{matchExpressions: [{key: kubernetes.io/metadata.name, operator: In, values: [boutique, istio-ingress]}]}";
    let injected = "{matchLabels: {istio-injection: enabled}}";
    let others = "{matchExpressions: [{key: team, operator: DoesNotExist}]}";
    for (selectors, expected) in [
        ("[]".to_owned(), None),
        ("[{}]".to_owned(), None),
        (format!("[{root}, {own}]"), None),
        (
            format!("[{root}, {injected}]"),
            Some(("changed-mesh-config", hides)),
        ),
        (format!("[{own}]"), Some(("not-checked", unknown))),
        (format!("[{others}]"), Some(("not-checked", unknown))),
        (
            format!("[{root}, {own}, {{matchLabel: {{}}}}]"),
            Some(("not-checked", unknown)),
        ),
    ] {
        let found = found(&format!(
            "{ALIASES}\n{STRICT}\ndiscovery_selectors: {selectors}"
        ));
        let found: Vec<_> = found
            .iter()
            .map(|[code, _, message]| (code.as_str(), message.as_str()))
            .collect();
        let expected: Vec<_> = expected.into_iter().collect();
        assert_eq!(found, expected, "{selectors}");
    }
}

/// The cluster then chooses the minimum TLS version.
#[test]
fn requires_no_tls_version_in_a_mesh_without_mtls() {
    let spec = json!({"selector": {"matchLabels": {"app": "broker"}}, "rules": []});
    for (line, is_found) in [
        ("", false),
        ("mtls: {mode: Strict}", true),
        ("mtls: {minVersion: \"1.3\"}", true),
        ("mtls: {minVersion: \"1.2\"}", false),
    ] {
        let found = mesh_with_line(
            line,
            &spec,
            "1.30",
            &[&config_map("trustDomain: cluster.local")],
        )
        .findings();
        let has_it = found.iter().any(|[code, _, message]| {
            code == "changed-mesh-config" && message.contains("meshMTLS")
        });
        assert_eq!(has_it, is_found, "{line}: {found:?}");
    }
}
