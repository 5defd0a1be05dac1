//! What changes how proxies start.

use serde_json::{Value, json};

use super::ambient::mesh;
use super::{Mesh, yaml_of};

const WHY: &str = "which may change how proxies enforce policies";

/// What is found in a shop with this pod's annotations.
fn found(annotations: &Value) -> Vec<String> {
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "broker", "namespace": "shop"},
        "spec": {"template": {"metadata": {"labels": {"app": "broker"}, "annotations": annotations}, "spec": {}}},
    });
    let namespace = json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": "shop", "labels": {"istio-injection": "enabled"}},
    });
    let spec = json!({"selector": {"matchLabels": {"app": "broker"}}, "rules": []});
    let objects = [deployment, namespace].map(|object| format!("{object}\n"));
    let found = mesh(&spec, "1.30", &[&objects[0], &objects[1]]).findings();
    found
        .into_iter()
        .filter(|[code, subject, _]| code == "not-checked" && subject == "Deployment shop/broker")
        .map(|[.., message]| message)
        .collect()
}

#[test]
fn an_annotation_that_replaces_a_part_of_the_proxy_is_found() {
    for key in [
        "sidecar.istio.io/bootstrapOverride",
        "sidecar.istio.io/proxyImage",
    ] {
        let expected = [format!("it has the annotation `{key}`, {WHY}")];
        assert_eq!(found(&json!({key: "custom"})), expected);
        assert_eq!(found(&json!({key: ""})), [""; 0]);
    }
    assert_eq!(found(&json!({"sidecar.istio.io/proxyCPU": "1"})), [""; 0]);
}

#[test]
fn a_setting_in_an_annotation_passes_only_if_it_is_known_to_leave_enforcement_alone() {
    for (config, setting) in [
        ("", ""),
        ("concurrency: 2\nholdApplicationUntilProxyStarts: true", ""),
        ("hold_application_until_proxy_starts: true", ""),
        (
            "proxyMetadata: {ISTIO_META_DNS_CAPTURE: \"true\", SECRET_TTL: 1h}",
            "",
        ),
        ("discoveryAddress: istiod.istio-system.svc:15012", ""),
        ("discoveryAddress: istiod-canary.istio-system.svc:15012", ""),
        ("interceptionMode: TPROXY", ""),
        ("proxyHeaders: {server: {disabled: true}}", ""),
        (
            "proxyHeaders: {forwardedClientCert: ALWAYS_FORWARD_ONLY}",
            "proxyHeaders.forwardedClientCert",
        ),
        ("interceptionMode: NONE", "interceptionMode"),
        ("interception_mode: 2", "interception_mode"),
        (
            "discoveryAddress: istiod.elsewhere.svc:15012",
            "discoveryAddress",
        ),
        ("discovery_address: evil.example:15012", "discovery_address"),
        ("controlPlaneAuthPolicy: NONE", "controlPlaneAuthPolicy"),
        ("runtimeValues: {a: b}", "runtimeValues"),
        ("runtime_values: {a: b}", "runtime_values"),
        (
            "proxyBootstrapTemplatePath: /x",
            "proxyBootstrapTemplatePath",
        ),
        ("customConfigFile: /x", "customConfigFile"),
        ("binaryPath: /x", "binaryPath"),
        ("caCertificatesPem: [x]", "caCertificatesPem"),
        (
            "connectionSettings: {httpMergeSlashes: true}",
            "connectionSettings",
        ),
        (
            "proxyMetadata: {ISTIO_METAJSON_LABELS: \"{}\"}",
            "proxyMetadata.ISTIO_METAJSON_LABELS",
        ),
        (
            "proxy_metadata: {DISABLE_ENVOY: \"true\"}",
            "proxy_metadata.DISABLE_ENVOY",
        ),
        ("misspelt: 1", "misspelt"),
    ] {
        let setting = Some(setting).filter(|setting| !setting.is_empty());
        let expected: Vec<_> = setting
            .into_iter()
            .map(|setting| {
                format!("its annotation `proxy.istio.io/config` sets `{setting}`, {WHY}")
            })
            .collect();
        assert_eq!(
            found(&json!({"proxy.istio.io/config": config})),
            expected,
            "{config}"
        );
    }
    let expected = [format!(
        "its annotation `proxy.istio.io/config` is not a proxy config in YAML, {WHY}"
    )];
    assert_eq!(found(&json!({"proxy.istio.io/config": "a: ["})), expected);
}

#[test]
fn variables_of_a_proxy_config_are_found_at_their_place() {
    for (variable, is_found) in [("ISTIO_META_IDLE_TIMEOUT", false), ("CA_ADDR", true)] {
        let spec = json!({"concurrency": 1, "environmentVariables": {variable: "a"}, "image": {"imageType": "distroless"}});
        let object = yaml_of("ProxyConfig", "boutique", "a", &spec);
        let found = Mesh::good().with("proxies.json", &object).findings();
        let message = format!("its `environmentVariables` set `{variable}`, {WHY}");
        let expected = [
            "not-checked".to_owned(),
            "ProxyConfig boutique/a".to_owned(),
            message,
        ];
        assert_eq!(found, if is_found { vec![expected] } else { vec![] });
    }
}

#[test]
fn a_mount_over_the_files_of_the_proxy_is_found() {
    let key = "sidecar.istio.io/userVolumeMount";
    for (path, is_found) in [
        ("/etc/certs", false),
        ("/etc/istio-certs", false),
        ("/etc/istio/proxy", true),
        ("/etc/istio/", true),
        ("/etc", true),
        ("/", true),
        ("/tmp/../etc/istio", true),
        ("/etc//istio", true),
        ("/var/lib/istio/envoy", true),
        ("/usr/local/bin/envoy", true),
    ] {
        let mounts = json!({"a": {"mountPath": path}}).to_string();
        let message =
            format!("its annotation `{key}` mounts something over the proxy's own files, {WHY}");
        let expected: Vec<_> = Some(message).filter(|_| is_found).into_iter().collect();
        assert_eq!(found(&json!({key: mounts})), expected, "{path}");
    }
    for mounts in ["a: [", "[]", "{\"a\": {}}"] {
        assert_eq!(found(&json!({key: mounts})).len(), 1, "{mounts}");
    }
}
