//! What Istio is installed with.

use super::*;

const SHOP: &str = "../../examples/online-boutique";

/// All files of a run, with a line before each that names it.
fn written(more: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let out = format!("{}/install", text(folder.path()));
    let args = ["install-values", "-f", SHOP, "--at", NOW, "-o", &out];
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
            "      samplingPercent: 1\n",
            "      samplingPercent: 1\n      service: otel.monitoring.svc.cluster.local\n",
        );
    let folder = folder(&[("mesh.yaml", &mesh)]);
    let out = format!("{}/install", text(folder.path()));
    let args = [
        "install-values",
        "-f",
        text(folder.path()),
        "--at",
        NOW,
        "-o",
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
    let run = run(&["install-values", "-f", from, "--at", NOW, "-o", &out]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let operator = std::fs::read_to_string(Path::new(&out).join("istio-operator.yaml")).unwrap();
    let numbers = |key: &str| {
        let values = operator.lines().filter_map(|line| {
            let (found, number) = line.trim_start_matches([' ', '-']).split_once(": ")?;
            (found == key).then(|| number.parse().ok()).flatten()
        });
        values.collect::<Vec<u16>>()
    };
    assert_eq!(numbers("port"), [15021, 80, 443]);
    assert_eq!(numbers("targetPort"), [15021, 8080, 8443]);
}
