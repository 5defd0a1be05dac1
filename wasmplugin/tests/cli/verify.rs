//! `peergate verify`: nothing is found in a mesh that is what the documents say, and each fault that is
//! planted in it is found, alone.

mod ambient;
mod envoy_filters;
mod gateways;
mod mesh_config;
mod mutual_tls;
mod objects;
mod proxies;
mod proxy_config;
mod proxyless;
mod read_from_a_cluster;
mod services;
mod tokens;
mod workloads;

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
        let run = run(&["render", "-f", SHOP, "--at", NOW, "--out", &out]);
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
    let expected = (0, "82 objects: no findings\n", "");
    assert_eq!((run.status, &*run.stdout, &*run.stderr), expected);
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
    for form in ["table", "json", "junit", "sarif"] {
        let run = mesh.verify(&["--output", form]);
        assert_eq!((run.status, run.stderr.as_str()), (2, ""), "{form}");
        let report = run
            .stdout
            .replace(folder, "manifests")
            .replace(env!("CARGO_PKG_VERSION"), "VERSION");
        insta::assert_snapshot!(format!("verify_{form}"), report);
        // The same in a file, and colours in neither.
        let file = mesh.folder.path().with_extension(form);
        let written = mesh.verify(&["--output", form, "--out", text(&file)]);
        assert_eq!((written.status, written.stdout.as_str()), (2, ""), "{form}");
        assert_eq!(
            std::fs::read_to_string(&file).unwrap(),
            run.stdout,
            "{form}"
        );
        std::fs::remove_file(&file).unwrap();
    }
}

#[test]
fn a_proxy_that_is_neither_an_endpoint_nor_a_file_is_refused_with_what_to_write() {
    let run = run(&["verify", "-f", SHOP, "--proxy", "localhost:1"]);
    assert_eq!(run.status, 1, "{}", run.stderr);
    let help = "use the admin endpoint: `http://localhost:15000`";
    assert!(run.stderr.contains(help), "{}", run.stderr);
}

#[test]
fn an_address_to_probe_that_is_none_is_refused() {
    for nonsense in [
        "nonsense",
        "host:",
        ":80",
        "host:0",
        "host:65536",
        "http://host:80",
        "[::1",
        "a b:80",
    ] {
        let run = run(&["verify", "-f", SHOP, "--probe", nonsense]);
        assert_eq!(run.status, 3, "{nonsense}: {}", run.stderr);
        assert!(run.stderr.contains("10.8.0.14:8080"), "{}", run.stderr);
    }
}

#[test]
fn what_could_not_be_looked_at_is_counted_too() {
    let args = ["verify", "-f", SHOP, "--at", NOW];
    let proxy = run(&[&args[..], &["--proxy", "http://127.0.0.1:1"]].concat());
    assert!(
        proxy.stdout.ends_with("1 proxy: 1 error\n"),
        "{}",
        proxy.stdout
    );
    let port = run(&[&args[..], &["--probe", "127.0.0.1:1"]].concat());
    assert!(
        port.stdout.ends_with("1 port: 1 warning\n"),
        "{}",
        port.stdout
    );
}

/// Tools take the part behind a `#` for no part of a file's name, and a blank for its end.
#[test]
fn names_files_for_code_scanning_by_their_uris() {
    let foreign = yaml_of(
        "AuthorizationPolicy",
        "boutique",
        "foreign",
        &json!({"rules": [{}]}),
    );
    let folder = folder(&[("a b#1/größe%.yaml", &foreign)]);
    let shop = std::fs::canonicalize(Path::new("tests").join(SHOP)).unwrap();
    let whole = folder.path().join("a b#1");
    let uri_in = |manifests: &str| {
        let args = [
            "verify",
            "-f",
            text(&shop),
            "--at",
            NOW,
            "--output",
            "sarif",
        ];
        let mut command = command(&[&args[..], &["--manifests", manifests]].concat());
        command.current_dir(folder.path());
        let run = finish(command, "");
        assert_eq!(run.status, 2, "{}", run.stderr);
        let sarif: Value = serde_json::from_str(&run.stdout).unwrap();
        let results = sarif["runs"][0]["results"].as_array().unwrap().clone();
        let mut found = results.into_iter();
        let found = found.find(|result| result["ruleId"] == "foreign-object");
        let location = &found.unwrap()["locations"][0]["physicalLocation"];
        let uri = location["artifactLocation"]["uri"].as_str().unwrap();
        uri.to_owned()
    };
    let relative = "a%20b%231/gr%C3%B6%C3%9Fe%25.yaml";
    assert_eq!(uri_in("a b#1"), relative);
    let absolute = format!("file://{}/{relative}", text(folder.path()));
    assert_eq!(uri_in(text(&whole)), absolute);
}
