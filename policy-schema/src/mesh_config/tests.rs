//! The expected values come from Istio's own `mesh.ApplyMeshConfig`.

use serde_json::{Value, json};

use super::*;
use crate::problem::Location;

fn read(text: &str) -> (MeshConfig, Vec<String>) {
    let (config, problems) = MeshConfig::read(&parse(text).unwrap());
    let messages = problems.into_iter().map(|problem| problem.message);
    (config.unwrap(), messages.collect())
}

#[test]
fn reads_both_spellings_and_prefers_json() {
    let ignored = "`trust_domain` is ignored, because `trustDomain` is also set";
    for (text, expected, problems) in [
        ("", "cluster.local", &[][..]),
        ("trustDomain: null", "cluster.local", &[]),
        ("trust_domain: a.example", "a.example", &[]),
        ("trustDomain: a.example", "a.example", &[]),
        (
            "trust_domain: a.example\ntrustDomain: b.example",
            "b.example",
            &[ignored],
        ),
        (
            "trust_domain: a.example\ntrustDomain: null",
            "cluster.local",
            &[ignored],
        ),
    ] {
        let (config, found) = read(text);
        assert_eq!(config.trust_domain.as_deref(), Some(expected), "{text}");
        assert_eq!(found, problems, "{text}");
    }
}

#[test]
fn an_enum_is_a_name_or_a_number() {
    use PathNormalization::{Base, DecodeAndMergeSlashes, None as Nothing};
    for (mode, expected) in [
        ("null", Some(Base)),
        ("DEFAULT", Some(Base)),
        ("0", Some(Base)),
        ("NONE", Some(Nothing)),
        ("1", Some(Nothing)),
        ("1.0", Some(Nothing)),
        ("0x1", Some(Nothing)),
        ("4", Some(DecodeAndMergeSlashes)),
        ("\"1\"", None),
        ("none", None),
        ("9", None),
        ("true", None),
        ("[]", None),
    ] {
        for key in ["pathNormalization", "path_normalization"] {
            let (config, problems) = read(&format!("{key}: {{normalization: {mode}}}"));
            assert_eq!(config.path_normalization, expected, "{mode}");
            assert_eq!(
                problems.len(),
                usize::from(expected.is_none()),
                "{problems:?}"
            );
        }
    }
}

#[test]
fn an_outbound_policy_without_a_mode_is_registry_only() {
    for (text, expected) in [
        ("", Outbound::Any),
        ("outboundTrafficPolicy: null", Outbound::Any),
        ("outboundTrafficPolicy: {}", Outbound::Declared),
        (
            "outbound_traffic_policy: {mode: REGISTRY_ONLY}",
            Outbound::Declared,
        ),
        ("outboundTrafficPolicy: {mode: 1}", Outbound::Any),
    ] {
        assert_eq!(
            read(text),
            (
                MeshConfig {
                    outbound: Some(expected),
                    ..read("").0
                },
                vec![]
            ),
            "{text}"
        );
    }
}

#[test]
fn reads_tls_by_both_names_of_the_field() {
    for (text, expected, problems) in [
        ("meshMTLS: {min_protocol_version: 2}", TlsVersion::V1_3, 0),
        (
            "mesh_mTLS: {minProtocolVersion: TLSV1_3}",
            TlsVersion::V1_3,
            0,
        ),
        (
            "mesh_mtls: {minProtocolVersion: TLSV1_3}",
            TlsVersion::V1_2,
            1,
        ),
        (
            "meshMtls: {minProtocolVersion: TLSV1_3}",
            TlsVersion::V1_2,
            1,
        ),
    ] {
        let (config, found) = read(text);
        assert_eq!(
            (config.min_version, found.len()),
            (Some(expected), problems),
            "{text}"
        );
    }
}

#[test]
fn an_authorizer_fails_open_in_each_form_of_a_boolean() {
    for (field, expected) in [
        ("", Some(false)),
        ("failOpen: null", Some(false)),
        ("failOpen: true", Some(true)),
        ("fail_open: true", Some(true)),
        ("failOpen: yes", Some(true)),
        ("fail_open: on", Some(true)),
        ("failOpen: Y", Some(true)),
        ("failOpen: off", Some(false)),
        ("failOpen: 1", None),
        ("failOpen: \"true\"", None),
        ("failOpen: {value: true}", None),
        ("failOpen: false, fail_open: true", Some(false)),
    ] {
        for kind in ["envoyExtAuthzHttp", "envoy_ext_authz_grpc"] {
            let (config, _) = read(&format!(
                "extension_providers: [{{name: g, {kind}: {{service: a, {field}}}}}]"
            ));
            let provider = Provider {
                name: "g".to_owned(),
                authorizer: Some(Authorizer {
                    fails_open: expected,
                }),
            };
            assert_eq!(config.providers, Some(vec![provider]), "{field}");
        }
    }
}

#[test]
fn reports_values_that_istiod_refuses() {
    for (text, message) in [
        ("trustDomain: 123", "`trustDomain` is `123`, not text"),
        ("trustDomain: ''", "`trustDomain` is empty"),
        ("root_namespace: ''", "`root_namespace` is empty"),
        (
            "trustDomainAliases: a.example",
            "`trustDomainAliases` is `\"a.example\"`, not a list of texts",
        ),
        (
            "trustDomainAliases: [null]",
            "`trustDomainAliases` is `[null]`, not a list of texts",
        ),
        (
            "trust_domain_aliases: [a.example, 5]",
            "`trust_domain_aliases` is `[\"a.example\",5]`, not a list of texts",
        ),
        (
            "pathNormalization: NONE",
            "`pathNormalization` is not a mapping",
        ),
        (
            "meshMTLS: {minProtocolVersion: TLSV1_1}",
            "`meshMTLS.minProtocolVersion` is `\"TLSV1_1\"`, not one of `TLS_AUTO`, `TLSV1_2`, `TLSV1_3`",
        ),
        (
            "extensionProviders: {name: g}",
            "`extensionProviders` is `{\"name\":\"g\"}`, not a list",
        ),
        (
            "extensionProviders: [null]",
            "`extensionProviders[0]` is not a mapping",
        ),
        (
            "extensionProviders: [{name: g, envoyExtAuthzHttp: {}, envoyExtAuthzGrpc: {}}]",
            "`extensionProviders[0].envoyExtAuthzGrpc` cannot be combined with another kind of provider",
        ),
    ] {
        let (_, problems) = read(text);
        assert_eq!(problems, [message], "{text}");
    }
    for text in ["- a", "text"] {
        let (config, problems) = MeshConfig::read(&parse(text).unwrap());
        assert!(config.is_none());
        assert_eq!(problems[0].message, "the mesh config is not a mapping");
    }
}

#[test]
fn reports_fields_that_istio_ignores() {
    let unknown = "is unknown to Istio, which ignores it";
    for (text, field) in [
        ("trustDomian: a.example", "trustDomian"),
        ("trustdomain: a.example", "trustdomain"),
        (
            "pathNormalization: {normalisation: NONE}",
            "pathNormalization.normalisation",
        ),
        (
            "extensionProviders: [{name: g, envoyExtAuthzHttp: {failopen: true}}]",
            "extensionProviders[0].envoyExtAuthzHttp.failopen",
        ),
        (
            "extensionProviders: [{name: g, extAuthz: {}}]",
            "extensionProviders[0].extAuthz",
        ),
    ] {
        assert_eq!(read(text).1, [format!("`{field}` {unknown}")]);
    }
    let (config, problems) = read("default_config: {proxyMetadata: {A: b}}");
    assert_eq!(config.proxy_config, None);
    assert_eq!(
        problems,
        ["`default_config` is ignored, because Istio only reads `defaultConfig`"]
    );
}

/// The mesh config in an object: the trust domain, the root namespace and the place.
fn found(text: &str) -> Vec<String> {
    let object = parse(text).unwrap();
    let kind = object.get("kind").and_then(Value::as_str);
    let placed = match kind {
        Some(kind) => {
            let version = object["apiVersion"].as_str().unwrap();
            let group = version.split_once('/').map_or("", |(group, _)| group);
            find(group, kind, &object)
        }
        None => find_in_values(&object),
    };
    let described = placed.iter().map(|placed| {
        let (config, problems) = MeshConfig::read(placed.config.as_ref().unwrap());
        let config = config.unwrap();
        let place = placed.locate(&Location::default());
        let version = placed.istio_version.as_deref().unwrap_or_default();
        let problems: Vec<_> = problems.iter().map(|problem| &*problem.message).collect();
        format!(
            "{place}: {} {} {version} {}",
            config.trust_domain.unwrap(),
            config.root_namespace.unwrap(),
            problems.join("; ")
        )
    });
    described.map(|text| text.trim().to_owned()).collect()
}

#[test]
fn finds_mesh_configs_in_all_installation_formats() {
    let ignored = "`trust_domain` is ignored, because `trustDomain` is also set";
    let sail = "apiVersion: sailoperator.io/v1\nkind: Istio\nspec: {version: v1.27-latest, namespace: mesh, values: {meshConfig: {trustDomain: a.example}}}";
    for (text, expected) in [
        (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio}\ndata: {mesh: 'trust_domain: a.example'}",
            "data.mesh: a.example istio-system",
        ),
        (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio-canary}\ndata: {mesh: 'rootNamespace: mesh'}",
            "data.mesh: cluster.local mesh",
        ),
        (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\ndata: {mesh: 'rootNamespace: mesh'}",
            "",
        ),
        (
            "meshConfig: {trustDomain: a.example}",
            "meshConfig: a.example istio-system",
        ),
        (
            "meshConfig: {trustDomain: '', rootNamespace: ''}\nglobal: {istioNamespace: mesh}",
            "meshConfig: cluster.local mesh",
        ),
        (
            "istiod: {meshConfig: {trustDomain: a.example}}\nglobal: {istioNamespace: mesh}",
            "istiod.meshConfig: a.example mesh",
        ),
        (
            "pilot: {meshConfig: {trustDomain: a.example}, global: {istioNamespace: mesh}}",
            "pilot.meshConfig: a.example mesh",
        ),
        (sail, "spec.values.meshConfig: a.example mesh v1.27-latest"),
        (
            "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec: {meshConfig: {trustDomain: a.example}, values: {global: {istioNamespace: mesh}}}",
            "spec.meshConfig: a.example mesh",
        ),
        (
            "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec: {values: {meshConfig: {trustDomain: a.example}}}",
            "spec.values.meshConfig: a.example istio-system",
        ),
        (
            "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec: {meshConfig: {trust_domain: a.example}}",
            &format!("spec.meshConfig: cluster.local istio-system  {ignored}"),
        ),
        (
            "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec: {values: {meshConfig: {trustDomain: a.example}}}",
            "spec.values.meshConfig: a.example istio-system",
        ),
        (
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec: {source: {helm: {valuesObject: {istiod: {meshConfig: {trustDomain: a.example}}}}}}",
            "spec.source.helm.valuesObject.istiod.meshConfig: a.example istio-system",
        ),
        (
            "apiVersion: maistra.io/v2\nkind: ServiceMeshControlPlane\nmetadata: {namespace: mesh}\nspec: {version: v2.6, security: {trust: {domain: a.example, additionalDomains: [b.example]}}}",
            "spec: a.example mesh 1.20",
        ),
    ] {
        let expected: Vec<_> = Some(expected)
            .filter(|text| !text.is_empty())
            .into_iter()
            .collect();
        assert_eq!(found(text), expected, "{text}");
    }
}

#[test]
fn finds_a_mesh_config_in_an_unsupported_kind() {
    for (object, expected) in [
        (
            json!({"kind": "A", "spec": {"parts": [{"istio": {"meshConfig": {}}}]}}),
            Some("spec.parts[0].istio.meshConfig"),
        ),
        (
            json!({"kind": "HelmChart", "spec": {"valuesContent": "meshConfig:\n  trustDomain: a"}}),
            Some("spec.valuesContent"),
        ),
        (
            json!({"kind": "A", "metadata": {"meshConfig": {}}, "status": {"meshConfig": {}}}),
            None,
        ),
        (
            json!({"kind": "CustomResourceDefinition", "spec": {"meshConfig": {}}}),
            None,
        ),
        (json!({"kind": "A", "spec": {"meshConfig": "a"}}), None),
    ] {
        let kind = object["kind"].as_str().unwrap();
        let found = find_unread(kind, &object).map(|location| location.to_string());
        assert_eq!(found.as_deref(), expected, "{object}");
    }
}

/// istiod refuses the whole mesh config because of a field that decides nothing here.
#[test]
fn reports_wrong_types_in_unused_fields() {
    for (config, is_refused) in [
        ("connectTimeout: 10", true),
        ("connectTimeout: 10 s", true),
        ("connectTimeout: 1m30.5s", false),
        ("connect_timeout: null", false),
        ("dnsRefreshRate: 's'", true),
        ("accessLogEncoding: YAML", true),
        ("accessLogEncoding: JSON", false),
        ("accessLogEncoding: 1", false),
        ("accessLogFile: true", true),
        ("accessLogFile: ''", false),
        ("enable_auto_mtls: \"yes\"", true),
        ("enableAutoMtls: yes", false),
        ("proxyListenPort: a", true),
        ("proxyListenPort: '15001'", false),
        ("defaultServiceExportTo: '*'", true),
        ("caCertificates: [a]", true),
        ("tcpKeepalive: 5", true),
        ("defaultConfig: []", true),
        ("defaultConfig: {concurrency: x}", true),
        ("defaultConfig: {drainDuration: 5}", true),
        ("defaultConfig: {drain_duration: 5s, concurrency: 2}", false),
        ("defaultConfig: {interceptionMode: TPROXY}", false),
    ] {
        let value = parse(config).unwrap();
        let (_, problems) = MeshConfig::read(&value);
        assert_eq!(!problems.is_empty(), is_refused, "{config}: {problems:?}");
    }
}
