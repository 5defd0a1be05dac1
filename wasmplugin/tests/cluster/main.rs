//! `peergate verify --cluster` on a real Kubernetes API server, with Istio's own definitions if `ISTIO_CRDS`
//! has them and a real Envoy behind a pod's port.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what the tests share may fail as the tests do"
)]

mod applying;
mod chart;
mod cluster;
#[path = "../support/filter.rs"]
mod filter;
mod gateway;
mod operator;
mod server;

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use cluster::Cluster;

/// The example shop and its workloads.
const SHOP: &str = "../examples/online-boutique";
const WORKLOADS: &str = include_str!("../meshes/workloads.yaml");

/// Values to install Istio with.
const MESH_CONFIG: &str = include_str!("../meshes/mesh_config.yaml");

/// The page with the role for users of `verify`.
const PAGE: &str = include_str!("../../../docs/verify.md");

fn peergate(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_peergate"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(args)
        .output()
        .unwrap()
}

/// The output of a run, which must succeed.
fn stdout_of(args: &[&str]) -> String {
    let output = peergate(args);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{args:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// The exit status and findings of a run, each as code, subject and message.
struct Verified {
    status: i32,
    findings: Vec<[String; 3]>,
    report: Value,
}

fn verify(kubeconfig: &Path, more: &[&str]) -> Verified {
    let kubeconfig = kubeconfig.to_str().unwrap();
    let args = ["verify", "-f", SHOP, "--output", "json", "--min-days", "0"];
    let cluster = ["--cluster", "--kubeconfig", kubeconfig];
    let output = peergate(&[&args[..], &cluster, more].concat());
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(errors, "");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let findings = report["findings"].as_array().unwrap().iter();
    let findings =
        findings.map(|finding| ["code", "subject", "message"].map(|field| text(&finding[field])));
    Verified {
        status: output.status.code().unwrap(),
        findings: findings.collect(),
        report,
    }
}

/// A cluster with the shop without faults.
fn shop() -> Cluster {
    let mut cluster = Cluster::start();
    cluster.define_istio();
    cluster.apply(WORKLOADS);
    cluster.apply(MESH_CONFIG);
    cluster.apply(&stdout_of(&["render", "-f", SHOP]));
    cluster.run_cart();
    cluster
}

#[test]
fn a_cluster_accepts_the_first_policy_in_shadow_and_enforced() {
    let first = stdout_of(&["init"]);
    let image = "  filter:\n    image: oci://r.example/f:1\n    sha256: 5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef\n    imagePullSecret: regcred\n    imagePullPolicy: IfNotPresent\n";
    let shadow = first.replacen("  filter: {}\n", image, 1);
    let enforced = shadow.replacen("  enforcement: Shadow\n", "", 1);
    assert!(first != shadow && shadow != enforced);
    let cluster = Cluster::start();
    cluster.define_istio();
    cluster.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n");
    let folder = tempfile::tempdir().unwrap();
    for documents in [first, shadow, enforced] {
        let path = folder.path().join("policy.yaml");
        std::fs::write(&path, documents).unwrap();
        cluster.apply(&stdout_of(&["render", "-f", path.to_str().unwrap()]));
    }
}

#[test]
fn reports_drift_of_a_cluster_and_nothing_for_a_matching_one() {
    let cluster = shop();
    let good = verify(&cluster.kubeconfig(), &["--deny-warnings"]);
    assert_eq!(good.findings, [[""; 3]; 0]);
    assert_eq!(good.status, 0);
    // `verify` reached the proxy through a forwarded port of its pod.
    let proxies = &good.report["proxies"];
    assert_eq!(proxies[0]["name"], "boutique/cartservice-1");
    let policy = &proxies[0]["policies"][0];
    assert_eq!(policy["policy"], "boutique/cartservice");
    assert_eq!(policy["revision"], policy["expected"]);

    let kind = "AuthorizationPolicy.security.istio.io";
    cluster.delete(kind, "boutique", "frontend-deny");
    cluster.patch(
        kind,
        "boutique",
        "cartservice-allow",
        &json!({"spec": {"action": "DENY"}}),
    );
    let old = json!({
        "apiVersion": "security.istio.io/v1",
        "kind": "PeerAuthentication",
        "metadata": {"name": "old", "namespace": "boutique"},
        "spec": {"mtls": {"mode": "PERMISSIVE"}},
    });
    cluster.apply(&old.to_string());
    let bad = verify(&cluster.kubeconfig(), &[]);
    assert_eq!(
        bad.findings,
        [
            [
                "missing-object",
                "AuthorizationPolicy boutique/frontend-deny",
                "does not exist, but the documents render it",
            ],
            [
                "changed-object",
                "AuthorizationPolicy boutique/cartservice-allow",
                "`spec.action` is `DENY`, but the documents render `ALLOW`",
            ],
            [
                "namespace-not-strict",
                "PeerAuthentication boutique/old",
                "namespace `boutique` accepts plaintext, but the `Mesh` has no exception for it",
            ],
        ]
    );
    assert_eq!(bad.status, 2);
}

/// `EnvoyFilter` is not in the preferred version of its group.
#[test]
fn lists_kinds_in_the_version_that_serves_them() {
    let cluster = shop();
    let removal = json!({
        "apiVersion": "networking.istio.io/v1alpha3",
        "kind": "EnvoyFilter",
        "metadata": {"name": "no-rbac", "namespace": "boutique"},
        "spec": {"configPatches": [{
            "applyTo": "HTTP_FILTER",
            "match": {"context": "SIDECAR_INBOUND", "listener": {"filterChain": {"filter": {
                "name": "envoy.filters.network.http_connection_manager",
                "subFilter": {"name": "envoy.filters.http.rbac"},
            }}}},
            "patch": {"operation": "REMOVE"},
        }]},
    });
    cluster.apply(&removal.to_string());
    // istiod copies the labels of a `Gateway` to the objects that it creates for it.
    let copied = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "public-istio",
            "namespace": "istio-ingress",
            "labels": {
                "app.kubernetes.io/managed-by": "peergate",
                "gateway.istio.io/managed": "istio.io-gateway-controller",
            },
        },
        "spec": {"ports": [{"port": 443}]},
    });
    cluster.apply(&copied.to_string());
    let found = verify(&cluster.kubeconfig(), &[]).findings;
    let filter = "EnvoyFilter boutique/no-rbac";
    let expected = [
        [
            "foreign-object",
            filter,
            "no document declares it, and it can change any part of a proxy's configuration",
        ],
        [
            "enforcement-undone",
            filter,
            "removes the filter `envoy.filters.http.rbac`, at proxies that enforce policies",
        ],
    ];
    assert_eq!(found, expected);
}

/// istiod then reads it from elsewhere, so the meaning of rules is unknown.
#[test]
fn skips_a_missing_mesh_config_and_reports_a_different_one() {
    let cluster = shop();
    let config_map = "ConfigMap.";
    let mesh = "trustDomainAliases: [old.cluster.local]\npath_normalization: {normalization: 1}\n\
                meshMTLS: {minProtocolVersion: TLSV1_3}\noutboundTrafficPolicy: {mode: REGISTRY_ONLY}\n";
    cluster.patch(
        config_map,
        "istio-system",
        "istio",
        &json!({"data": {"mesh": mesh}}),
    );
    let found = verify(&cluster.kubeconfig(), &[]).findings;
    let subject = "ConfigMap istio-system/istio";
    let message = "its `pathNormalization.normalization` is `NONE`, but the `Mesh` has `BASE`";
    assert_eq!(found, [["changed-mesh-config", subject, message]]);
    cluster.delete(config_map, "istio-system", "istio");
    let found = verify(&cluster.kubeconfig(), &[]).findings;
    let found: Vec<_> = found
        .iter()
        .map(|[code, subject, _]| [code, subject])
        .collect();
    assert_eq!(found, [["not-checked", subject]]);
}

#[test]
fn does_not_report_objects_of_forbidden_kinds_as_missing() {
    let cluster = shop();
    let stranger = verify(&cluster.user_kubeconfig("viewer"), &[]);
    let found = |wanted: &str| {
        let found = stranger.findings.iter();
        let found = found.filter(|[code, ..]| code == wanted);
        found
            .map(|[_, subject, _]| subject.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(found("missing-object"), [""; 0]);
    let unlisted = found("unlisted-kind");
    assert!(
        unlisted.contains(&"AuthorizationPolicy (security.istio.io)"),
        "{unlisted:?}"
    );
}

#[test]
fn verifies_certificates_in_secrets() {
    let cluster = Cluster::start();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let of = ["--trust-domain", "cluster.local"];
    let (root, east) = (path("root"), path("east"));
    stdout_of(&[&["certs", "root", "--out", &root], &of[..]].concat());
    let more = [
        "certs",
        "cluster",
        "--cluster",
        "east",
        "--days",
        "20",
        "--root",
        &root,
        "--out",
        &east,
    ];
    stdout_of(&[&more[..], &of].concat());
    let secret = std::fs::read_to_string(Path::new(&east).join("cacerts.yaml")).unwrap();
    cluster.apply(&secret);
    let ends_soon = |min_days: &str| {
        let kubeconfig = cluster.kubeconfig();
        let args = ["--cluster", "--kubeconfig", kubeconfig.to_str().unwrap()];
        let output = peergate(
            &[
                &[
                    "verify",
                    "-f",
                    SHOP,
                    "--output",
                    "json",
                    "--min-days",
                    min_days,
                ],
                &args[..],
            ]
            .concat(),
        );
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let findings = report["findings"].as_array().unwrap().iter();
        findings
            .filter(|finding| finding["code"] == "certificate-ends-soon")
            .map(|finding| finding["subject"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(ends_soon("10"), [""; 0]);
    // The certificate is in two of the files, and is reported once.
    assert_eq!(ends_soon("30"), ["Secret istio-system/cacerts"]);
}

/// The role is taken from the page verbatim.
#[test]
fn the_documented_role_suffices_and_its_absence_is_reported() {
    let cluster = shop();
    let stranger = verify(&cluster.user_kubeconfig("viewer"), &[]);
    let not_checked = stranger.findings.iter();
    let not_checked: Vec<_> = not_checked
        .filter(|[code, ..]| code == "not-checked")
        .map(|[_, subject, message]| {
            assert!(message.contains("forbidden"), "{message}");
            subject.as_str()
        })
        .collect();
    assert!(not_checked.contains(&"pods of v1"), "{not_checked:?}");
    assert!(
        not_checked.contains(&"Secret istio-system/cacerts"),
        "{not_checked:?}"
    );
    assert_eq!(stranger.status, 2);

    let role = PAGE.split("```yaml role\n").nth(1).unwrap();
    cluster.apply(role.split("```").next().unwrap());
    let viewer = verify(&cluster.user_kubeconfig("viewer"), &["--deny-warnings"]);
    assert_eq!(viewer.findings, [[""; 3]; 0]);
    assert_eq!(
        viewer.report["proxies"][0]["name"],
        "boutique/cartservice-1"
    );
}

#[test]
fn fails_if_the_cluster_is_unreachable() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    let verify = |text: &str| {
        std::fs::write(&path, text).unwrap();
        let output = peergate(&[
            "verify",
            "-f",
            SHOP,
            "--cluster",
            "--kubeconfig",
            path.to_str().unwrap(),
        ]);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(output.stdout.is_empty());
        (output.status.code().unwrap(), errors)
    };
    let (status, errors) = verify("current-context: nowhere\n");
    assert_eq!(status, 1);
    assert!(
        errors.starts_with("error: cannot read the cluster: "),
        "{errors}"
    );
    // Nothing listens there.
    let (status, errors) = verify(&server::kubeconfig("http://127.0.0.1:1", None, "token"));
    assert_eq!(status, 1);
    assert!(errors.contains("kubectl get namespaces"), "{errors}");
}
