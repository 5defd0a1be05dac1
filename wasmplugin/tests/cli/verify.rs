//! `peergate verify`: nothing is found in a mesh that is what the documents say, and each fault that is
//! planted in it is found, alone.

use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

/// The example shop.
const SHOP: &str = "../../examples/online-boutique";

/// What runs in it.
const WORKLOADS: &str = include_str!("../meshes/workloads.yaml");

/// The manifests of a mesh, and the documents that it is compared with.
struct Mesh {
    folder: TempDir,
    documents: PathBuf,
}

/// The shop as the documents are rendered to it, each file by its name.
fn rendered() -> &'static [(String, String)] {
    static RENDERED: OnceLock<Vec<(String, String)>> = OnceLock::new();
    RENDERED.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let out = format!("{}/", folder.path().display());
        let run = run(&["render", "-f", SHOP, "--at", NOW, "-o", &out]);
        assert_eq!(run.status, 0, "{}", run.stderr);
        let files = std::fs::read_dir(folder.path()).unwrap();
        let read = |path: PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        };
        files.map(|file| read(file.unwrap().path())).collect()
    })
}

impl Mesh {
    /// The shop as it should be.
    fn good() -> Self {
        let mut files: Vec<_> = rendered()
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect();
        files.push(("workloads.yaml", WORKLOADS));
        Self {
            folder: folder(&files),
            documents: SHOP.into(),
        }
    }

    fn with(self, name: &str, text: &str) -> Self {
        std::fs::write(self.folder.path().join(name), text).unwrap();
        self
    }

    fn without(self, name: &str) -> Self {
        std::fs::remove_file(self.folder.path().join(name)).unwrap();
        self
    }

    fn replacing(self, name: &str, old: &str, new: &str) -> Self {
        let path = self.folder.path().join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(old), "{name} has no `{old}`");
        std::fs::write(path, text.replacen(old, new, 1)).unwrap();
        self
    }

    fn verify(&self, more: &[&str]) -> Run {
        let manifests = text(self.folder.path());
        let documents = text(&self.documents);
        let args = ["verify", "-f", documents, "--manifests", manifests];
        run(&[&args[..], &["--at", NOW], more].concat())
    }

    /// The findings, each as its code, its subject and its message.
    fn findings(&self) -> Vec<[String; 3]> {
        let run = self.verify(&["--output", "json"]);
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        let findings = report.pointer("/findings").and_then(Value::as_array);
        let findings = findings.unwrap();
        let has_error = findings
            .iter()
            .any(|finding| finding.get("severity") == Some(&json!("error")));
        assert_eq!(run.status, if has_error { 2 } else { 0 });
        let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap().to_owned();
        findings
            .iter()
            .map(|finding| ["code", "subject", "message"].map(|field| text(finding.get(field))))
            .collect()
    }

    /// Asserts that there is this finding, and no other.
    fn has(&self, code: &str, subject: &str, message: &str) {
        let expected = [code, subject, message].map(str::to_owned);
        assert_eq!(self.findings(), [expected]);
    }
}

fn yaml_of(kind: &str, namespace: &str, name: &str, spec: &Value) -> String {
    let group = match kind {
        "PeerAuthentication" | "AuthorizationPolicy" => "security.istio.io/v1",
        "NetworkPolicy" => "networking.k8s.io/v1",
        "Telemetry" => "telemetry.istio.io/v1",
        "TrafficExtension" | "WasmPlugin" => "extensions.istio.io/v1alpha1",
        _ => "networking.istio.io/v1",
    };
    json!({
        "apiVersion": group,
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    })
    .to_string()
}

#[test]
fn nothing_is_found_in_the_good_mesh() {
    let run = Mesh::good().verify(&["--deny-warnings"]);
    let expected = (0, "82 objects: nothing is found\n", "");
    assert_eq!((run.status, &*run.stdout, &*run.stderr), expected);
}

#[test]
fn a_missing_object_is_found() {
    Mesh::good()
        .without("boutique.frontend-deny.authorizationpolicy.yaml")
        .has(
            "missing-object",
            "AuthorizationPolicy boutique/frontend-deny",
            "it is not there, and the documents are rendered to it",
        );
}

#[test]
fn a_changed_object_is_found() {
    Mesh::good()
        .replacing(
            "boutique.cartservice-allow.authorizationpolicy.yaml",
            "- /hipstershop.CartService/EmptyCart\n",
            "- /debug\n",
        )
        .has(
            "changed-object",
            "AuthorizationPolicy boutique/cartservice-allow",
            "`spec.rules[0].to[0].operation.paths[2]` is `/debug`, and the documents say `/hipstershop.CartService/EmptyCart`",
        );
}

#[test]
fn a_dry_run_is_found() {
    Mesh::good()
        .replacing(
            "boutique.cartservice-allow.authorizationpolicy.yaml",
            "  annotations:\n",
            "  annotations:\n    istio.io/dry-run: \"true\"\n",
        )
        .has(
            "changed-object",
            "AuthorizationPolicy boutique/cartservice-allow",
            "`metadata.annotations.istio.io/dry-run` is `true`, and the documents say nothing of it",
        );
}

#[test]
fn a_leftover_object_is_found() {
    let old = rendered()
        .iter()
        .find(|(name, _)| name == "boutique.cartservice-allow.authorizationpolicy.yaml");
    let old = old.unwrap().1.replace("cartservice", "basketservice");
    Mesh::good().with("old.yaml", &old).has(
        "leftover-object",
        "AuthorizationPolicy boutique/basketservice-allow",
        "Peergate rendered it once, and no document asks for it any more",
    );
}

/// Each with what it does, and with the change that makes it nobody's business.
#[test]
fn a_foreign_object_is_found() {
    let at_gateway =
        json!({"selector": {"istio": "ingressgateway"}, "servers": [{"port": {"number": 8080}}]});
    let elsewhere = json!({"selector": {"istio": "eastwestgateway"}});
    let log_less = json!({"accessLogging": [{"disabled": true}]});
    let trace_less = json!({"tracing": [{"disableSpanReporting": true}]});
    let other_settings = json!({"metrics": [{"overrides": [{"disabled": true}]}]});
    let packets = "adds to the packets that are let through";
    let silent = "keeps from being told what the documents ask for";
    let request = "can change or answer requests before they are decided on";
    let leads = "adds to what a gateway leads to";
    for (kind, spec, part) in [
        (
            "AuthorizationPolicy",
            json!({}),
            Some("adds to what is allowed or denied"),
        ),
        (
            "EnvoyFilter",
            json!({}),
            Some("can change anything in a proxy"),
        ),
        (
            "ServiceEntry",
            json!({}),
            Some("adds to what workloads reach"),
        ),
        ("Sidecar", json!({}), Some("changes what workloads reach")),
        ("WasmPlugin", json!({"phase": "AUTHN"}), Some(request)),
        ("TrafficExtension", json!({}), Some(request)),
        ("NetworkPolicy", json!({"ingress": [{}]}), Some(packets)),
        ("NetworkPolicy", json!({"egress": [{}]}), Some(packets)),
        (
            "NetworkPolicy",
            json!({"podSelector": {}, "ingress": []}),
            None,
        ),
        ("Telemetry", log_less, Some(silent)),
        ("Telemetry", trace_less, Some(silent)),
        ("Telemetry", other_settings, None),
        (
            "Gateway",
            at_gateway,
            Some("adds to what a gateway answers"),
        ),
        ("Gateway", json!({}), Some("adds to what a gateway answers")),
        ("Gateway", elsewhere, None),
        (
            "VirtualService",
            json!({"gateways": ["istio-ingress/public"]}),
            Some(leads),
        ),
        ("VirtualService", json!({"gateways": ["mesh"]}), None),
        ("VirtualService", json!({}), None),
    ] {
        let mesh = Mesh::good().with("foreign.yaml", &yaml_of(kind, "boutique", "extra", &spec));
        match part {
            Some(part) => mesh.has(
                "foreign-object",
                &format!("{kind} boutique/extra"),
                &format!("no document has it, and it {part}"),
            ),
            None => assert_eq!(mesh.findings(), [[""; 3]; 0], "{kind} {spec}"),
        }
    }
}

/// A host that is led into the mesh from a port that no document opens.
#[test]
fn a_way_in_that_no_document_has_is_found_whole() {
    let gateway = json!({"selector": {"istio": "ingressgateway"}});
    let route = json!({"gateways": ["extra"], "hosts": ["pay.example.com"]});
    let found = Mesh::good()
        .with(
            "gateway.yaml",
            &yaml_of("Gateway", "boutique", "extra", &gateway),
        )
        .with(
            "route.yaml",
            &yaml_of("VirtualService", "boutique", "extra", &route),
        )
        .findings();
    let subjects: Vec<_> = found.iter().map(|found| found[1].as_str()).collect();
    assert_eq!(
        subjects,
        ["Gateway boutique/extra", "VirtualService boutique/extra"]
    );
}

#[test]
fn a_mesh_that_is_not_strict_is_found() {
    let missing = Mesh::good().without("istio-system.default.peerauthentication.yaml");
    let found = missing.findings();
    assert_eq!(found[0][0], "missing-object");
    assert_eq!(
        found[1],
        [
            "mesh-not-strict",
            "PeerAuthentication istio-system/default",
            "nothing asks for mutual TLS in `boutique`, `istio-ingress`, and Istio accepts plaintext"
        ]
    );
    assert_eq!(found.len(), 2);
    let second = yaml_of(
        "PeerAuthentication",
        "istio-system",
        "old",
        &json!({"mtls": {"mode": "PERMISSIVE"}}),
    );
    Mesh::good().with("second.yaml", &second).has(
        "mesh-not-strict",
        "PeerAuthentication istio-system/old",
        "the whole mesh accepts plaintext",
    );
}

#[test]
fn a_namespace_that_is_not_strict_is_found() {
    for (mode, accepts) in [("PERMISSIVE", "plaintext"), ("DISABLE", "plaintext alone")] {
        let spec = json!({"selector": {"matchLabels": {}}, "mtls": {"mode": mode}});
        Mesh::good()
            .with(
                "namespace.yaml",
                &yaml_of("PeerAuthentication", "boutique", "default", &spec),
            )
            .has(
                "namespace-not-strict",
                "PeerAuthentication boutique/default",
                &format!("all of `boutique` accepts {accepts}, and no document says so"),
            );
    }
}

#[test]
fn a_plaintext_port_is_found() {
    let selector = json!({"matchLabels": {"app": "cartservice"}});
    let of_port = json!({"selector": selector, "portLevelMtls": {"7070": {"mode": "DISABLE"}}});
    let object = |spec| yaml_of("PeerAuthentication", "boutique", "cart", spec);
    Mesh::good().with("port.yaml", &object(&of_port)).has(
        "plaintext-port",
        "PeerAuthentication boutique/cart",
        "port 7070 of `app=cartservice` accepts plaintext alone, and no document says so",
    );
    let of_all = json!({"selector": selector, "mtls": {"mode": "PERMISSIVE"}});
    Mesh::good().with("port.yaml", &object(&of_all)).has(
        "plaintext-port",
        "PeerAuthentication boutique/cart",
        "every port of `app=cartservice` accepts plaintext, and no document says so",
    );
}

/// The exception of the documents is not found; as soon as it is for more than they say, it is.
#[test]
fn an_exception_that_outgrew_its_document_is_found() {
    let file = "warehouse.warehouse-scanners.peerauthentication.yaml";
    for (old, new, message) in [
        (
            "\"9000\":",
            "\"9001\":",
            "port 9001 of `app=stock-intake` accepts plaintext, and no document says so: its exception was to end at 2030-06-30T00:00:00Z",
        ),
        (
            "mode: PERMISSIVE",
            "mode: DISABLE",
            "port 9000 of `app=stock-intake` accepts plaintext alone, and no document says so: its exception was to end at 2030-06-30T00:00:00Z",
        ),
    ] {
        let found = Mesh::good().replacing(file, old, new).findings();
        let codes: Vec<_> = found.iter().map(|found| found[0].as_str()).collect();
        assert_eq!(codes, ["changed-object", "plaintext-port"]);
        assert_eq!(found[1][2], message);
    }
}

impl Mesh {
    /// The shop, with this annotation at the pods of a service.
    fn annotated(annotation: &str) -> Self {
        Self::good().replacing(
            "workloads.yaml",
            "    metadata:\n      labels:\n        app: adservice",
            &format!("    metadata:\n      annotations:\n        {annotation}\n      labels:\n        app: adservice"),
        )
    }
}

/// What `bypassed-port` and `bypassed-outbound` say of each annotation.
#[test]
fn what_goes_around_the_sidecar_is_found() {
    let of = |annotation: &str| -> Vec<_> {
        let found = Mesh::annotated(annotation).findings();
        found
            .into_iter()
            .map(|[code, subject, message]| {
                assert_eq!(subject, "Deployment boutique/adservice", "{annotation}");
                let end = " go around its sidecar, by an annotation of its pods";
                (code, message.strip_suffix(end).unwrap().to_owned())
            })
            .collect()
    };
    let pair = |code: &str, message: &str| (code.to_owned(), message.to_owned());
    for (annotation, ports) in [
        ("excludeInboundPorts: \"9090, 8080\"", "ports 8080, 9090"),
        ("includeInboundPorts: \"9090\"", "every port but 9090"),
        ("includeInboundPorts: \"\"", "every port"),
    ] {
        let found = of(&format!("traffic.sidecar.istio.io/{annotation}"));
        let expected = pair("bypassed-port", &format!("calls to {ports}"));
        assert_eq!(found, [expected], "{annotation}");
    }
    for (annotation, what) in [
        ("excludeOutboundPorts: \"3306\"", "port 3306"),
        ("excludeOutboundIPRanges: 0.0.0.0/0", "address 0.0.0.0/0"),
        (
            "includeOutboundIPRanges: 10.0.0.0/8",
            "every address but 10.0.0.0/8",
        ),
    ] {
        let found = of(&format!("traffic.sidecar.istio.io/{annotation}"));
        let expected = pair("bypassed-outbound", &format!("its calls to {what}"));
        assert_eq!(found, [expected], "{annotation}");
    }
    for (annotation, what) in [
        (
            "traffic.sidecar.istio.io/excludeInterfaces: net1",
            "interface net1",
        ),
        ("sidecar.istio.io/interceptionMode: NONE", "every port"),
    ] {
        let expected = [
            pair("bypassed-port", &format!("calls to {what}")),
            pair("bypassed-outbound", &format!("its calls to {what}")),
        ];
        assert_eq!(of(annotation), expected, "{annotation}");
    }
    let all = "traffic.sidecar.istio.io/includeInboundPorts: \"*\"";
    assert!(of(all).is_empty());
}

/// Istio speaks no mutual TLS with what is said to be outside the mesh.
#[test]
fn a_service_that_is_said_to_be_outside_the_mesh_is_found() {
    let entry = |host: &str, location: &str| {
        let spec = json!({"hosts": ["api.example.com", host], "location": location});
        let entry = yaml_of("ServiceEntry", "boutique", "extra", &spec);
        Mesh::good().with("entry.yaml", &entry).findings()
    };
    let foreign = [
        "foreign-object",
        "ServiceEntry boutique/extra",
        "no document has it, and it adds to what workloads reach",
    ]
    .map(str::to_owned);
    for host in [
        "cartservice.boutique.svc.cluster.local",
        "*.boutique.svc.cluster.local",
        "cartservice.boutique.svc",
        "cartservice.boutique",
        "cartservice",
    ] {
        let undone = [
            "mutual-tls-undone",
            "ServiceEntry boutique/extra",
            &format!("`spec.hosts[1]` has `{host}` be outside the mesh, so that its callers do not speak mutual TLS with it"),
        ]
        .map(str::to_owned);
        assert_eq!(entry(host, "MESH_EXTERNAL"), [foreign.clone(), undone]);
    }
    let inside = entry("cartservice.boutique.svc.cluster.local", "MESH_INTERNAL");
    assert_eq!(inside, [foreign.clone()]);
    assert_eq!(entry("cartservice.example.com", "MESH_EXTERNAL"), [foreign]);
}

#[test]
fn mutual_tls_undone_by_a_destination_rule_is_found() {
    let tls = |mode: &str| json!({"tls": {"mode": mode}});
    let host = "cartservice.boutique.svc.cluster.local";
    for (spec, place, mode) in [
        (
            json!({"host": host, "trafficPolicy": tls("DISABLE")}),
            "spec.trafficPolicy",
            "DISABLE",
        ),
        (
            json!({"host": "cartservice", "trafficPolicy": tls("SIMPLE")}),
            "spec.trafficPolicy",
            "SIMPLE",
        ),
        (
            json!({"host": "*.local", "trafficPolicy": tls("MUTUAL")}),
            "spec.trafficPolicy",
            "MUTUAL",
        ),
        (
            json!({"host": "*", "trafficPolicy": {"tls": {}}}),
            "spec.trafficPolicy",
            "DISABLE",
        ),
        (
            json!({"host": host, "trafficPolicy": {"portLevelSettings": [{"port": {"number": 7070}, "tls": {"mode": "DISABLE"}}]}}),
            "spec.trafficPolicy.portLevelSettings[0]",
            "DISABLE",
        ),
        (
            json!({"host": host, "subsets": [{"name": "v1", "trafficPolicy": tls("DISABLE")}]}),
            "spec.subsets[0].trafficPolicy",
            "DISABLE",
        ),
    ] {
        let host = spec["host"].as_str().unwrap().to_owned();
        Mesh::good()
            .with("rule.yaml", &yaml_of("DestinationRule", "boutique", "cart", &spec))
            .has(
                "mutual-tls-undone",
                "DestinationRule boutique/cart",
                &format!("`{place}.tls.mode` has callers of `{host}` speak `{mode}`, and not mutual TLS with their identity"),
            );
    }
    // Outside the mesh nobody has an identity of it.
    let outside = json!({"host": "api.example.com", "trafficPolicy": tls("SIMPLE")});
    let mesh = Mesh::good().with(
        "rule.yaml",
        &yaml_of("DestinationRule", "boutique", "api", &outside),
    );
    assert_eq!(mesh.findings(), [[""; 3]; 0]);
}

#[test]
fn a_workload_without_a_sidecar_is_found() {
    for (old, new) in [
        (
            "        app: adservice\n    spec:",
            "        app: adservice\n        sidecar.istio.io/inject: \"false\"\n    spec:",
        ),
        (
            "      serviceAccountName: adservice",
            "      hostNetwork: true\n      serviceAccountName: adservice",
        ),
    ] {
        Mesh::good().replacing("workloads.yaml", old, new).has(
            "unenforced-workload",
            "Deployment boutique/adservice",
            "policy `boutique/adservice` is for it, and it has no sidecar",
        );
    }
}

/// Pods tell what is, and what makes them tells what should be.
#[test]
fn pods_from_before_the_injection_are_found() {
    let pod = |hash: &str, name: &str, containers: Value| {
        json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": name,
                "namespace": "boutique",
                "labels": {"app": "adservice", "pod-template-hash": hash},
                "ownerReferences": [{"controller": true, "kind": "ReplicaSet", "name": format!("adservice-{hash}")}],
            },
            "spec": {"serviceAccountName": "adservice", "containers": containers},
            "status": {"phase": "Running"},
        })
    };
    let with = json!([{"name": "server"}, {"name": "istio-proxy"}]);
    let without = json!([{"name": "server"}]);
    let list = json!({
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            pod("5f4d", "adservice-5f4d-a", with.clone()),
            pod("5f4d", "adservice-5f4d-b", with),
            pod("77c9", "adservice-77c9-c", without),
        ],
    });
    Mesh::good().with("pods.json", &list.to_string()).has(
        "unenforced-workload",
        "Deployment boutique/adservice",
        "policy `boutique/adservice` is for it, and it has no sidecar",
    );
}

#[test]
fn a_workload_without_a_policy_is_found() {
    let mesh = Mesh::good().with(
        "more.yaml",
        &WORKLOADS
            .split("---\n")
            .find(|part| part.contains("name: adservice"))
            .unwrap()
            .replace("adservice", "newservice"),
    );
    mesh.has(
        "workload-without-policy",
        "Deployment boutique/newservice",
        "no policy is for it: every request is denied",
    );
    assert_eq!(mesh.verify(&["--deny-warnings"]).status, 2);
}

#[test]
fn a_policy_that_selects_nothing_is_found() {
    let without = WORKLOADS
        .split("---\n")
        .filter(|part| !part.contains("name: adservice"));
    let without: Vec<_> = without.collect();
    Mesh::good()
        .with("workloads.yaml", &without.join("---\n"))
        .has(
            "policy-without-workload",
            "ServicePolicy boutique/adservice",
            "no workload has the labels that it is for",
        );
}

#[test]
fn a_workload_under_another_account_is_found() {
    Mesh::good()
        .replacing(
            "workloads.yaml",
            "serviceAccountName: adservice",
            "serviceAccountName: default",
        )
        .has(
            "wrong-service-account",
            "Deployment boutique/adservice",
            "it runs as `default`, and policy `boutique/adservice` says `adservice`",
        );
}

/// A mesh whose documents leave open what no policy is for.
#[test]
fn an_open_workload_is_found() {
    let mesh = "\
apiVersion: peergate.dev/v1alpha1
kind: Mesh
metadata: {name: open}
spec:
  trustDomain: cluster.local
  istioVersion: \"1.29\"
  defaults: {otherwise: Pass}
";
    let documents = folder(&[("mesh.yaml", mesh)]);
    let rendered = run(&["render", "-f", text(documents.path()), "--at", NOW]).stdout;
    let workload = WORKLOADS
        .split("---\n")
        .take(4)
        .collect::<Vec<_>>()
        .join("---\n");
    let manifests = folder(&[("mesh.yaml", &rendered), ("workloads.yaml", &workload)]);
    Mesh {
        documents: documents.path().into(),
        folder: manifests,
    }
    .has(
        "open-workload",
        "Deployment boutique/adservice",
        "no policy is for it, and the mesh lets pass what no policy is for",
    );
}

/// The forms of the report on a mesh with an error in a file, one in none, and a warning.
#[test]
fn says_what_is_found_in_each_form() {
    let foreign = yaml_of("AuthorizationPolicy", "boutique", "extra", &json!({}));
    let mesh = Mesh::good()
        .without("boutique.frontend-deny.authorizationpolicy.yaml")
        .replacing(
            "istio-system.default.peerauthentication.yaml",
            "mode: STRICT",
            "mode: PERMISSIVE",
        )
        .with("foreign.json", &foreign);
    let folder = text(mesh.folder.path());
    for form in ["human", "json", "junit", "sarif"] {
        let run = mesh.verify(&["--output", form]);
        assert_eq!((run.status, run.stderr.as_str()), (2, ""), "{form}");
        let report = run
            .stdout
            .replace(folder, "manifests")
            .replace(env!("CARGO_PKG_VERSION"), "VERSION");
        insta::assert_snapshot!(format!("verify_{form}"), report);
        // The same in a file, and colours in neither.
        let file = mesh.folder.path().with_extension(form);
        let written = mesh.verify(&["--output", form, "-o", text(&file)]);
        assert_eq!((written.status, written.stdout.as_str()), (2, ""), "{form}");
        assert_eq!(
            std::fs::read_to_string(&file).unwrap(),
            run.stdout,
            "{form}"
        );
        std::fs::remove_file(&file).unwrap();
    }
}
