//! `peergate verify --cluster` on a real Kubernetes API server: Istio's objects are of its own
//! definitions where `ISTIO_CRDS` has them, and a real Envoy stands behind a pod's port.

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

/// The example shop, and what runs in it.
const SHOP: &str = "../examples/online-boutique";
const WORKLOADS: &str = include_str!("../meshes/workloads.yaml");

/// What Istio is installed with.
const MESH_CONFIG: &str = include_str!("../meshes/mesh_config.yaml");

/// The page that has the role of those who verify.
const PAGE: &str = include_str!("../../../docs/verify.md");

fn peergate(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_peergate"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(args)
        .output()
        .unwrap()
}

/// What a successful run printed.
fn printed(args: &[&str]) -> String {
    let output = peergate(args);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{args:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// How a run ended, and its findings, each as its code, its subject and its message.
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

/// The shop as it should be, in a cluster.
fn shop() -> Cluster {
    let mut cluster = Cluster::start();
    cluster.define_istio();
    cluster.apply(WORKLOADS);
    cluster.apply(MESH_CONFIG);
    cluster.apply(&printed(&["render", "-f", SHOP]));
    cluster.run_cart();
    cluster
}

#[test]
fn the_first_policy_is_accepted_by_a_cluster_in_shadow_and_enforced() {
    let first = printed(&["init"]);
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
        cluster.apply(&printed(&["render", "-f", path.to_str().unwrap()]));
    }
}

#[test]
fn a_cluster_that_is_what_the_documents_say_is_found_to_be_so_and_one_that_is_not_is_not() {
    let cluster = shop();
    let good = verify(&cluster.kubeconfig(), &["--deny-warnings"]);
    assert_eq!(good.findings, [[""; 3]; 0]);
    assert_eq!(good.status, 0);
    // The proxy was asked through a port of its pod.
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
                "it is not there, and the documents are rendered to it",
            ],
            [
                "changed-object",
                "AuthorizationPolicy boutique/cartservice-allow",
                "`spec.action` is `DENY`, and the documents say `ALLOW`",
            ],
            [
                "namespace-not-strict",
                "PeerAuthentication boutique/old",
                "all of `boutique` accepts plaintext, and no document says so",
            ],
        ]
    );
    assert_eq!(bad.status, 2);
}

/// `EnvoyFilter` is served in another version than its group prefers.
#[test]
fn kinds_are_listed_in_whichever_version_serves_them() {
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
    // istiod copies the labels of a `Gateway` onto what it makes for it.
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
            "no document has it, and it can change anything in a proxy",
        ],
        [
            "enforcement-undone",
            filter,
            "it removes the filter `envoy.filters.http.rbac`, at proxies that enforce policies",
        ],
    ];
    assert_eq!(found, expected);
}

/// istiod then has it elsewhere, and nothing says what rules mean.
#[test]
fn a_cluster_without_a_mesh_config_is_not_checked_and_another_mesh_config_is_found() {
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
    let message = "its `pathNormalization.normalization` is `NONE`, and the `Mesh` says `BASE`";
    assert_eq!(found, [["changed-mesh-config", subject, message]]);
    cluster.delete(config_map, "istio-system", "istio");
    let found = verify(&cluster.kubeconfig(), &[]).findings;
    let found: Vec<_> = found
        .iter()
        .map(|[code, subject, _]| [code, subject])
        .collect();
    assert_eq!(found, [["not-checked", subject]]);
}

/// Objects of a kind that the user may not list are not reported as missing.
#[test]
fn what_may_not_be_listed_is_not_missing() {
    let cluster = shop();
    let stranger = verify(&cluster.kubeconfig_of("viewer"), &[]);
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
fn certificates_in_secrets_are_looked_at() {
    let cluster = Cluster::start();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let of = ["--trust-domain", "cluster.local"];
    let (root, east) = (path("root"), path("east"));
    printed(&[&["certs", "root", "--out", &root], &of[..]].concat());
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
    printed(&[&more[..], &of].concat());
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
    // It is in two of the files, and reported once.
    assert_eq!(ends_soon("30"), ["Secret istio-system/cacerts"]);
}

/// The role is the one of the page, word by word.
#[test]
fn the_role_of_the_page_is_enough_and_without_it_one_is_told() {
    let cluster = shop();
    let stranger = verify(&cluster.kubeconfig_of("viewer"), &[]);
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
    let viewer = verify(&cluster.kubeconfig_of("viewer"), &["--deny-warnings"]);
    assert_eq!(viewer.findings, [[""; 3]; 0]);
    assert_eq!(
        viewer.report["proxies"][0]["name"],
        "boutique/cartservice-1"
    );
}

#[test]
fn a_cluster_that_cannot_be_reached_is_a_failure() {
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
    // Nobody listens there.
    let (status, errors) = verify(&server::kubeconfig("http://127.0.0.1:1", None, "token"));
    assert_eq!(status, 1);
    assert!(errors.contains("kubectl get namespaces"), "{errors}");
}
