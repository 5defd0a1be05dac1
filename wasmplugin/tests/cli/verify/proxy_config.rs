//! Settings that change how proxies start.

use serde_json::{Value, json};

use super::ambient::mesh;
use super::{Mesh, object_yaml};

const WHY: &str = "which may change how proxies enforce policies";

/// The findings in a shop whose pod has these annotations.
fn found(annotations: &Value) -> Vec<String> {
    found_with(annotations, &json!({}))
}

/// The findings in a shop whose pod has these annotations and this spec.
fn found_with(annotations: &Value, pod: &Value) -> Vec<String> {
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "broker", "namespace": "shop"},
        "spec": {"template": {"metadata": {"labels": {"app": "broker"}, "annotations": annotations}, "spec": pod}},
    });
    found_in(&deployment)
}

/// The findings in a shop with this workload.
fn found_in(workload: &Value) -> Vec<String> {
    let namespace = json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": "shop", "labels": {"istio-injection": "enabled"}},
    });
    let spec = json!({"selector": {"matchLabels": {"app": "broker"}}, "rules": []});
    let objects = [workload, &namespace].map(|object| format!("{object}\n"));
    let found = mesh(&spec, "1.30", &[&objects[0], &objects[1]]).findings();
    found
        .into_iter()
        .filter(|[code, subject, _]| code == "not-checked" && subject.ends_with(" shop/broker"))
        .map(|[.., message]| message)
        .collect()
}

#[test]
fn reports_an_annotation_that_replaces_part_of_the_proxy() {
    for key in [
        "sidecar.istio.io/bootstrapOverride",
        "sidecar.istio.io/proxyImage",
    ] {
        let expected = [format!("has the annotation `{key}`, {WHY}")];
        assert_eq!(found(&json!({key: "custom"})), expected);
        assert_eq!(found(&json!({key: ""})), [""; 0]);
    }
    assert_eq!(found(&json!({"sidecar.istio.io/proxyCPU": "1"})), [""; 0]);
}

#[test]
fn accepts_only_annotation_settings_known_not_to_affect_enforcement() {
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
fn reports_proxy_config_variables_at_their_location() {
    for (variable, is_found) in [("ISTIO_META_IDLE_TIMEOUT", false), ("CA_ADDR", true)] {
        let spec = json!({"concurrency": 1, "environmentVariables": {variable: "a"}, "image": {"imageType": "distroless"}});
        let object = object_yaml("ProxyConfig", "boutique", "a", &spec);
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
fn reports_a_mount_over_proxy_files() {
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
        let message = format!("its annotation `{key}` mounts over the proxy's own files, {WHY}");
        let expected: Vec<_> = Some(message).filter(|_| is_found).into_iter().collect();
        assert_eq!(found(&json!({key: mounts})), expected, "{path}");
    }
    for (path, is_found) in [("/data", 0), ("/etc/istio/proxy", 1)] {
        let mounts = json!([{"name": "a", "mountPath": path}]).to_string();
        assert_eq!(found(&json!({key: mounts})).len(), is_found, "{path}");
    }
    for mounts in ["a: [", "text", "{\"a\": {}}", "[{}]"] {
        assert_eq!(found(&json!({key: mounts})).len(), 1, "{mounts}");
    }
}

/// The findings about settings of the container `istio-proxy` that may disable enforcement.
fn in_container(container: &Value) -> Vec<String> {
    let mut container = container.clone();
    let fields = container.as_object_mut().unwrap();
    fields.insert("name".to_owned(), json!("istio-proxy"));
    stripped(&found_with(
        &json!({}),
        &json!({"containers": [{"name": "app"}, container]}),
    ))
}

fn stripped(found: &[String]) -> Vec<String> {
    let found = found.iter();
    found
        .map(|message| {
            let what = message.strip_prefix("its container `istio-proxy` has ");
            let what = what.and_then(|what| what.strip_suffix(&format!(", {WHY}")));
            what.unwrap_or(message).to_owned()
        })
        .collect()
}

#[test]
fn accepts_a_custom_proxy_container_only_if_it_does_not_affect_enforcement() {
    for (container, expected) in [
        (json!({}), ""),
        (
            json!({
                "image": "auto",
                "resources": {"limits": {"cpu": "2"}},
                "ports": [{"containerPort": 8080}],
                "lifecycle": {"preStop": {"exec": {"command": ["sleep", "5"]}}},
                "env": [{"name": "ISTIO_META_IDLE_TIMEOUT", "value": "1h"}, {"name": "TZ", "value": "UTC"}],
                "volumeMounts": [{"name": "certs", "mountPath": "/etc/certs"}],
            }),
            "",
        ),
        (
            json!({"image": "docker.io/istio/proxyv2:1.30.0-distroless"}),
            "",
        ),
        (
            json!({"image": "registry.example.com:5000/mesh/istio-proxyv2-rhel9@sha256:ab"}),
            "",
        ),
        (
            json!({"image": "evil.example/sleep:1"}),
            "the image `evil.example/sleep:1`",
        ),
        (
            json!({"image": "proxyv2.example/sleep:proxyv2"}),
            "the image `proxyv2.example/sleep:proxyv2`",
        ),
        (json!({"command": ["sleep"]}), "a `command`"),
        (json!({"command": []}), ""),
        (
            json!({"args": ["proxy", "sidecar", "--domain", "x", "--proxyLogLevel=info", "--log_as_json"]}),
            "",
        ),
        (json!({"args": ["proxy", "router"]}), ""),
        (
            json!({"args": ["request", "GET"]}),
            "`args` other than Istio's",
        ),
        (
            json!({"args": ["proxy", "sidecar", "--templateFile=/x"]}),
            "`args` other than Istio's",
        ),
        (
            json!({"args": ["proxy", "sidecar", 5]}),
            "`args` other than Istio's",
        ),
        (
            json!({"env": [{"name": "ISTIO_BOOTSTRAP_OVERRIDE", "value": "/x"}]}),
            "the variable `ISTIO_BOOTSTRAP_OVERRIDE`",
        ),
        (
            json!({"env": [{"name": "CA_ADDR", "value": "evil"}]}),
            "the variable `CA_ADDR`",
        ),
        (
            json!({"env": [{"name": "CA_ADDR", "value": "istiod.istio-system.svc:15012"}]}),
            "",
        ),
        (
            json!({"env": [{"name": "POD_NAMESPACE", "value": "other"}]}),
            "the variable `POD_NAMESPACE`",
        ),
        (
            json!({"env": [{"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}]}),
            "",
        ),
        (
            json!({"env": [{"name": "PROXY_CONFIG", "value": "{\"concurrency\": 2}"}]}),
            "",
        ),
        (
            json!({"env": [{"name": "PROXY_CONFIG", "value": "{\"binaryPath\": \"/x\"}"}]}),
            "the variable `PROXY_CONFIG`",
        ),
        (
            json!({"env": [{"name": "ISTIO_META_INTERCEPTION_MODE", "value": "NONE"}]}),
            "the variable `ISTIO_META_INTERCEPTION_MODE`",
        ),
        (
            json!({"envFrom": [{"configMapRef": {"name": "a"}}]}),
            "variables from other objects (`envFrom`)",
        ),
        (
            json!({"volumeMounts": [{"name": "a", "mountPath": "/etc/istio/proxy"}]}),
            "a mount at `/etc/istio/proxy`",
        ),
        (
            json!({"volumeMounts": [{"name": "istio-envoy", "mountPath": "/etc/istio/proxy"}]}),
            "",
        ),
    ] {
        let expected: Vec<_> = Some(expected)
            .filter(|what| !what.is_empty())
            .into_iter()
            .collect();
        assert_eq!(in_container(&container), expected, "{container}");
    }
}

/// As injected: its variables and mounts are Istio's own.
#[test]
fn accepts_an_injected_container_unless_it_runs_something_else() {
    let proxy = json!({
        "name": "istio-proxy",
        "image": "docker.io/istio/proxyv2:1.30.0",
        "args": ["proxy", "sidecar", "--domain", "$(POD_NAMESPACE).svc.cluster.local", "--proxyLogLevel=warning", "--proxyComponentLogLevel=misc:error", "--log_output_level=default:info"],
        "env": [
            {"name": "CA_ADDR", "value": "csr.cert-manager.svc:443"},
            {"name": "PROXY_CONFIG", "value": "{}\n"},
            {"name": "OF_A_VENDOR", "value": "1"},
        ],
        "restartPolicy": "Always",
        "volumeMounts": [{"name": "istio-envoy", "mountPath": "/etc/istio/proxy"}],
    });
    let pod = |place: &str, proxy: &Value| {
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "broker", "namespace": "shop", "labels": {"app": "broker"}},
            "spec": {"containers": [{"name": "app"}], place: [proxy]},
            "status": {"phase": "Running"},
        })
    };
    for place in ["containers", "initContainers"] {
        assert_eq!(found_in(&pod(place, &proxy)), [""; 0]);
        for (field, value, expected) in [
            ("command", json!(["sleep", "infinity"]), "a `command`"),
            (
                "image",
                json!("evil.example/other:1"),
                "the image `evil.example/other:1`",
            ),
            ("args", json!(["version"]), "`args` other than Istio's"),
            (
                "env",
                json!([{"name": "DISABLE_ENVOY", "value": "true"}]),
                "the variable `DISABLE_ENVOY`",
            ),
        ] {
            let mut changed = proxy.clone();
            changed[field] = value;
            assert_eq!(
                stripped(&found_in(&pod(place, &changed))),
                [expected],
                "{place}"
            );
        }
    }
}
