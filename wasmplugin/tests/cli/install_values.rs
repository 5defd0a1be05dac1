//! What Istio is installed with.

use super::*;

const SHOP: &str = "../../examples/online-boutique";

/// All files of a run, with a line before each that names it.
fn written(more: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let out = format!("{}/install", text(folder.path()));
    let args = ["install-values", "-f", SHOP, "--at", NOW, "--out", &out];
    let run = run(&[&args, more].concat());
    assert_eq!((run.status, run.stdout.as_str()), (0, ""), "{}", run.stderr);
    let mut files: Vec<_> = std::fs::read_dir(out)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let file = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        format!("## {name}\n{}", std::fs::read_to_string(path).unwrap())
    };
    files.iter().map(file).collect()
}

#[test]
fn writes_what_the_mesh_says() {
    insta::assert_snapshot!(written(&[]));
}

/// Before 1.30 Istio would accept TLS 1.1 for it.
#[test]
fn asks_for_a_tls_version_beside_the_mesh_only_where_that_is_meant() {
    assert!(!written(&["--istio-version", "1.29"]).contains("tlsDefaults"));
    let since = written(&["--istio-version", "1.30"]);
    assert!(since.contains("  tlsDefaults:\n    minProtocolVersion: TLSV1_3\n"));
}

#[test]
fn names_revision_times_and_collector() {
    let mesh = std::fs::read_to_string("../examples/online-boutique/mesh.yaml").unwrap();
    let mesh = mesh
        .replace(
            "spec:\n",
            "spec:\n  revision: canary\n  certificates: {workloadTtl: 1h}\n",
        )
        .replace(
            "service: otel-collector.observability.svc.cluster.local\n",
            "service: otel.monitoring.svc.cluster.local\n",
        );
    let folder = folder(&[("mesh.yaml", &mesh)]);
    let out = format!("{}/install", text(folder.path()));
    let args = [
        "install-values",
        "-f",
        text(folder.path()),
        "--at",
        NOW,
        "--out",
        &out,
    ];
    let run = run(&args);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let read = |name: &str| std::fs::read_to_string(Path::new(&out).join(name)).unwrap();
    let values = read("istiod.values.yaml");
    for part in [
        "revision: canary\n",
        "MAX_WORKLOAD_CERT_TTL: 1h\n",
        "SECRET_TTL: 1h\n",
        "service: otel.monitoring.svc.cluster.local\n",
    ] {
        assert!(values.contains(part), "{part}: {values}");
    }
    assert!(read("namespaces.yaml").contains("istio.io/rev: canary\n"));
    assert!(read("public.gateway.values.yaml").contains("revision: canary\n"));
    assert!(read("istio-operator.yaml").contains("  revision: canary\n"));
}

/// By `istioctl` gateways run as nobody in particular, and Istio opens no port for them under 1024.
#[test]
fn istioctl_leads_ports_of_gateways_to_those_that_everybody_may_listen_on() {
    let mesh = std::fs::read_to_string("../examples/online-boutique/mesh.yaml").unwrap();
    let folder = folder(&[("mesh.yaml", &mesh)]);
    let out = format!("{}/install", text(folder.path()));
    let from = text(folder.path());
    let run = run(&["install-values", "-f", from, "--at", NOW, "--out", &out]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let operator = std::fs::read_to_string(Path::new(&out).join("istio-operator.yaml")).unwrap();
    let numbers = |key: &str| {
        let values = operator.lines().filter_map(|line| {
            let (found, number) = line.trim_start_matches([' ', '-']).split_once(": ")?;
            (found == key).then(|| number.parse().ok()).flatten()
        });
        values.collect::<Vec<u16>>()
    };
    // The last one is the collector's.
    assert_eq!(numbers("port"), [15021, 80, 443, 4317]);
    assert_eq!(numbers("targetPort"), [15021, 8080, 8443]);
}

const PROVIDERS: &str = "\
apiVersion: peergate.dev/v1alpha1
kind: Mesh
metadata: {name: mesh}
spec:
  trustDomain: cluster.local
  istioVersion: \"1.30\"
  outbound: Declared
  networkPolicies: true
  defaults: {otherwise: Pass}
  extensionProviders:
    - {name: opa, api: ExtAuthzGrpc, service: opa.authz.svc.cluster.local, port: 9191}
    - {name: logs, api: OpenTelemetryLogs, service: otel.example.com, port: 4317}
  telemetry:
    accessLog: {requests: All, provider: logs}
    tracing: {provider: traces, samplingPercent: 1, service: traces.monitoring.svc.cluster.local}
---
apiVersion: peergate.dev/v1alpha1
kind: ServicePolicy
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  serviceAccount: web
  service: {ports: [{port: 80, targetPort: 8080}]}
  rules:
    - {id: ask, effect: Custom, provider: opa, to: [{paths: [/a]}]}
    - {id: other, effect: Custom, provider: elsewhere, to: [{paths: [/b]}]}
";

/// What proxies call by themselves, Istio has to know and proxies have to reach.
#[test]
fn extension_providers_are_installed_and_reached() {
    let folder = folder(&[("mesh.yaml", PROVIDERS)]);
    let input = text(folder.path());
    let out = tempfile::tempdir().unwrap();
    let installed = run(&["install-values", "-f", input, "--out", text(out.path())]);
    assert_eq!(installed.status, 0, "{}", installed.stderr);
    let values = std::fs::read_to_string(out.path().join("istiod.values.yaml")).unwrap();
    for part in [
        "  - envoyExtAuthzGrpc:\n      port: 9191\n      service: opa.authz.svc.cluster.local\n    name: opa\n",
        "  - envoyOtelAls:\n      port: 4317\n      service: otel.example.com\n    name: logs\n",
        "PILOT_ENABLE_MULTIPLE_CUSTOM_AUTHZ_PROVIDERS: \"true\"\n",
    ] {
        assert!(values.contains(part), "{part}\n{values}");
    }
    let rendered = run(&["render", "-f", input]);
    assert_eq!(rendered.status, 0, "{}", rendered.stderr);
    let sidecars: Vec<_> = rendered
        .stdout
        .split("---\n")
        .filter(|object| object.contains("\nkind: Sidecar\n"))
        .collect();
    assert_eq!(sidecars.len(), 3);
    for host in [
        "*/opa.authz.svc.cluster.local",
        "*/otel.example.com",
        "*/traces.monitoring.svc.cluster.local",
    ] {
        for sidecar in &sidecars {
            assert!(sidecar.contains(host), "{host}\n{sidecar}");
        }
    }
    let mut objects = rendered.stdout.split("---\n");
    let packets = objects
        .find(|object| object.contains("\nkind: NetworkPolicy\n"))
        .unwrap();
    for namespace in ["authz", "monitoring"] {
        let selected = format!("kubernetes.io/metadata.name: {namespace}\n");
        assert!(packets.contains(&selected), "{packets}");
    }
    assert!(packets.contains("port: 4317\n"), "{packets}");
    let note =
        "rule `other` of policy `shop/web` uses provider `elsewhere`, which proxies may not reach";
    assert!(rendered.stderr.contains(note), "{}", rendered.stderr);
    let mut notes = rendered
        .stderr
        .lines()
        .filter(|line| line.starts_with("note: "));
    assert!(
        notes.all(|note| !note.contains("`opa`")),
        "{}",
        rendered.stderr
    );
}

#[test]
fn faults_of_extension_providers_are_found() {
    let cases = [
        ("{name: logs", "{name: opa", "already exists"),
        ("{name: logs", "{name: peergate", "already exists"),
        ("{name: logs", "{name: traces", "already exists"),
        ("port: 9191", "port: 0", "0 is not a port"),
        (
            "service: opa.authz",
            "service: \"http://opa.authz",
            "is not a valid Kubernetes name",
        ),
        (
            "provider: logs",
            "provider: opa",
            "does not accept access logs",
        ),
        (
            "provider: opa, to",
            "provider: logs, to",
            "does not authorize",
        ),
    ];
    for (from, to, message) in cases {
        let mut documents = PROVIDERS.replace(from, to);
        if to.contains('"') {
            documents =
                documents.replace(".cluster.local, port: 9191", ".cluster.local\", port: 9191");
        }
        let run = run_with(&["validate", "-f", "-"], &documents);
        assert_eq!(run.status, 3, "{to}: {}", run.stderr);
        assert!(run.stderr.contains(message), "{to}: {}", run.stderr);
    }
}

/// A provider that nothing declares is nowhere in the mesh config that is written.
#[test]
fn providers_that_no_document_declares_are_noted_with_what_to_declare() {
    let declared = "    - {name: opa, api: ExtAuthzGrpc, service: opa.authz.svc.cluster.local, port: 9191}\n    \
                    - {name: logs, api: OpenTelemetryLogs, service: otel.example.com, port: 4317}\n";
    let (access_log, tracing) = (
        "access logs go to provider `logs`",
        "traces go to provider `traces`",
    );
    let no_providers = PROVIDERS.replace("  extensionProviders:\n", "");
    let no_providers = no_providers.replace(declared, "");
    let no_collector = PROVIDERS.replace(", service: traces.monitoring.svc.cluster.local", "");
    let any = no_providers.replace("outbound: Declared", "outbound: Any");
    let unreached = "which proxies may not reach with `outbound: Declared`";
    let cases: [(&str, &[&str], bool); 5] = [
        (PROVIDERS, &[], true),
        (
            &no_providers,
            &[
                "rule `ask` of policy `shop/web` uses provider `opa`",
                access_log,
            ],
            true,
        ),
        (&no_collector, &[tracing], true),
        (
            &any,
            &[
                "rule `ask` of policy `shop/web` uses provider `opa`",
                access_log,
            ],
            false,
        ),
        (
            &no_providers.replace("provider: logs", "provider: peergate"),
            &["rule `ask` of policy `shop/web` uses provider `opa`"],
            true,
        ),
    ];
    for (documents, notes, limits_outbound) in cases {
        let out = tempfile::tempdir().unwrap();
        let rendered = run_with(&["render", "-f", "-"], documents);
        let installed = run_with(
            &["install-values", "-f", "-", "--out", text(out.path())],
            documents,
        );
        for (run, fault, are_expected) in [
            (rendered, unreached, limits_outbound),
            (installed, "which the mesh config does not define", true),
        ] {
            assert_eq!(run.status, 0, "{}", run.stderr);
            let found = run.stderr.lines().filter(|line| line.contains(fault));
            // What another rule asks is declared nowhere.
            let found: Vec<_> = found.filter(|line| !line.contains("`elsewhere`")).collect();
            let expected = if are_expected { notes } else { &[] };
            assert_eq!(found.len(), expected.len(), "{}", run.stderr);
            for note in expected {
                assert!(
                    run.stderr.contains(&format!("{note}, {fault}")),
                    "{}",
                    run.stderr
                );
            }
        }
    }
}

/// What is rendered into a namespace is applied after the namespace, with pods that get sidecars.
#[test]
fn every_namespace_that_objects_are_rendered_into_is_written() {
    let read = |text: &str| -> Vec<serde_json::Value> {
        let documents = text
            .split("---\n")
            .filter(|document| !document.trim().is_empty());
        documents
            .map(|it| serde_saphyr::from_str(it).unwrap())
            .collect()
    };
    let out = tempfile::tempdir().unwrap();
    for documents in [SHOP, POLICIES] {
        let rendered = run(&["render", "-f", documents, "--at", NOW]);
        assert_eq!(rendered.status, 0, "{}", rendered.stderr);
        let args = ["install-values", "-f", documents, "--at", NOW, "--out"];
        assert_eq!(run(&[&args[..], &[text(out.path())]].concat()).status, 0);
        let namespaces = std::fs::read_to_string(out.path().join("namespaces.yaml")).unwrap();
        let namespaces = read(&namespaces);
        let has = |name: &serde_json::Value| {
            name == "istio-system" || namespaces.iter().any(|it| it["metadata"]["name"] == *name)
        };
        for object in read(&rendered.stdout) {
            let namespace = &object["metadata"]["namespace"];
            assert!(has(namespace), "{namespace} of {}", object["kind"]);
        }
    }
}

/// Nothing new goes to the places where Istio was published before.
#[test]
fn names_places_where_istio_is_published() {
    let help = stdout_of(&["install-values", "--help"]);
    let page = std::fs::read_to_string("../docs/install.md").unwrap();
    for text in [help, page] {
        assert!(
            text.contains("oci://ghcr.io/istio/release/charts"),
            "{text}"
        );
        for old in [
            "gcr.io/istio-release",
            "registry.istio.io",
            "storage.googleapis.com",
        ] {
            assert!(!text.contains(old), "{old}");
        }
    }
}
