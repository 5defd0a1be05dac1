//! Rules that applying the rendered objects would remove from a cluster, and access that it would widen.

use super::*;

/// Only the filter enforces times.
#[test]
fn reports_a_filter_rule_that_an_apply_would_remove() {
    let cluster = Cluster::start();
    cluster.define_istio();
    let folder = tempfile::tempdir().unwrap();
    let documents = folder.path().join("documents.yaml");
    let render = |rules: &str, more: &[&str]| {
        let text = format!(
            "apiVersion: peergate.dev/v1alpha1\nkind: Mesh\nmetadata: {{name: m}}\nspec: {{trustDomain: cluster.local, istioVersion: \"1.31\", \
             filter: {{image: \"oci://r.example/f@sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef\"}}}}\n---\n\
             apiVersion: peergate.dev/v1alpha1\nkind: ServicePolicy\nmetadata: {{name: cart, namespace: shop}}\n\
             spec: {{selector: {{matchLabels: {{app: cart}}}}, rules: [{{id: web, effect: Allow}}{rules}]}}\n"
        );
        std::fs::write(&documents, text).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_peergate"))
            .args(["render", "--only", "wasm-plugin", "-f"])
            .arg(&documents)
            .args(more)
            .env("KUBECONFIG", cluster.kubeconfig())
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            output.status.code(),
            text(output.stdout),
            text(output.stderr),
        )
    };
    let freeze = ", {id: freeze, effect: Deny, notAfter: \"2100-01-01T00:00:00Z\"}";
    let (status, plugin, stderr) = render(freeze, &["--output", "json"]);
    assert_eq!(status, Some(0), "{stderr}");
    let plugin: Value = serde_json::from_str(&plugin).unwrap();
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}});
    cluster.apply(&namespace.to_string());
    cluster.apply(&plugin["items"][0].to_string());
    let against = ["--against", "cluster", "--fail-on", "widened"];
    let (status, stdout, stderr) = render("", &against);
    assert_eq!((status, stdout.as_str()), (Some(2), ""), "{stderr}");
    let note = "WasmPlugin shop/cart-peergate would be replaced and may be wider: policy `shop/cart` no longer denies everything that its existing rule `freeze` denies";
    assert!(stderr.contains(note), "{stderr}");
    let (status, _, stderr) = render(freeze, &against);
    assert_eq!(status, Some(0), "{stderr}");
}

#[test]
fn reports_access_that_an_apply_would_widen() {
    let cluster = Cluster::start();
    cluster.define_istio();
    let strict = json!({
        "apiVersion": "security.istio.io/v1",
        "kind": "PeerAuthentication",
        "metadata": {"name": "default", "namespace": "istio-system"},
        "spec": {"mtls": {"mode": "STRICT"}},
    });
    cluster.apply(&strict.to_string());
    let folder = tempfile::tempdir().unwrap();
    let documents = folder.path().join("mesh.yaml");
    let render = |mode: &str| {
        let mesh = format!(
            "apiVersion: peergate.dev/v1alpha1\nkind: Mesh\nmetadata: {{name: m}}\nspec: {{trustDomain: cluster.local, istioVersion: \"1.31\", mtls: {{mode: {mode}}}}}\n"
        );
        std::fs::write(&documents, mesh).unwrap();
        let against = ["--against", "cluster", "--fail-on", "widened"];
        let render = ["render", "--only", "peer-authentication", "-f"];
        let output = Command::new(env!("CARGO_BIN_EXE_peergate"))
            .args(render)
            .arg(&documents)
            .args(against)
            .env("KUBECONFIG", cluster.kubeconfig())
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            output.status.code(),
            text(output.stdout),
            text(output.stderr),
        )
    };
    let (status, stdout, stderr) = render("Permissive");
    assert_eq!((status, stdout.as_str()), (Some(2), ""), "{stderr}");
    let note = "PeerAuthentication istio-system/default would be replaced and may be wider: the mode changes from STRICT to PERMISSIVE";
    assert!(stderr.contains(note), "{stderr}");
    let (status, stdout, stderr) = render("Strict");
    assert_eq!((status, stderr.as_str()), (Some(0), ""));
    assert!(stdout.contains("mode: STRICT"), "{stdout}");
}
