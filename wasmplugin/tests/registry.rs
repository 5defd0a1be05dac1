//! Pushes the image to a real registry as users do, and pulls it as Istio's agent does.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what the tests share may fail as the tests do"
)]

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::manifest::OciImageManifest;
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The name and password for the registry, and their entry in its password file.
const USER: (&str, &str) = ("robot", "secret");
const HTPASSWD: &str = "robot:$2a$04$D.fGc2C/RSeXydSDi7CbhOs7Dl3KuXx9WqJaEd4tg0RSSQMZbKV7y\n";

/// A registry on loopback that stops at the end of the test.
struct Registry {
    process: Child,
    address: String,
    folder: TempDir,
}

impl Registry {
    /// A registry with authentication.
    fn start() -> Self {
        Self::with(|folder| {
            let path = folder.join("htpasswd");
            fs::write(&path, HTPASSWD).unwrap();
            json!({"htpasswd": {"realm": "test", "path": path}})
        })
    }

    /// A registry without authentication.
    fn open() -> Self {
        Self::with(|_| Value::Null)
    }

    fn with(auth: impl FnOnce(&Path) -> Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let config = json!({
            "version": "0.1",
            "log": {"level": "info"},
            "storage": {"filesystem": {"rootdirectory": path("storage")}},
            "http": {"addr": "127.0.0.1:0"},
            "auth": auth(folder.path()),
        });
        fs::write(path("config.yml"), config.to_string()).unwrap();
        let program = env::var_os("PEERGATE_REGISTRY").unwrap_or_else(|| "docker-registry".into());
        let mut process = Command::new(program)
            .arg("serve")
            .arg(path("config.yml"))
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|reason| {
                panic!("{reason}: set PEERGATE_REGISTRY to a docker-registry, as `make test` does")
            });
        let mut log = BufReader::new(process.stderr.take().unwrap());
        let address = loop {
            let mut line = String::new();
            assert!(
                log.read_line(&mut line).unwrap() > 0,
                "the registry has ended"
            );
            if let Some((_, rest)) = line.split_once("listening on ") {
                break rest.split(['"', ' ']).next().unwrap().to_owned();
            }
        };
        // A full pipe would block it.
        std::thread::spawn(move || log.read_to_end(&mut Vec::new()));
        Self {
            process,
            address,
            folder,
        }
    }

    /// A folder with Docker's configuration, as `docker login` writes it.
    fn login(&self, password: &str) -> PathBuf {
        use base64::Engine as _;
        let folder = self.folder.path().join("docker");
        fs::create_dir_all(&folder).unwrap();
        let engine = base64::engine::general_purpose::STANDARD;
        let auth = engine.encode(format!("{}:{password}", USER.0));
        let mut auths = serde_json::Map::new();
        auths.insert(self.address.clone(), json!({"auth": auth}));
        let config = json!({"auths": auths});
        fs::write(folder.join("config.json"), config.to_string()).unwrap();
        folder
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn peergate(args: &[&str], docker: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_peergate"))
        .args(args)
        .env("DOCKER_CONFIG", docker)
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The packaged module and the digest of its image.
fn package(folder: &Path) -> (String, String) {
    let image = folder.join("image.tar").to_str().unwrap().to_owned();
    let output = peergate(&["package", "--out", &image], folder);
    let digest = stdout(&output).trim().to_owned();
    (image, digest)
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(future)
}

fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::new(ClientConfig {
        protocol: ClientProtocol::Http,
        ..ClientConfig::default()
    })
}

const MESH: &str = "\
# The mesh.
apiVersion: peergate.dev/v1alpha1
kind: Mesh
metadata: {name: shop}
spec:
  trustDomain: cluster.local
  istioVersion: \"1.29\" # the one that runs
  filter:
    image: oci://registry.example.com/old:1 # what sidecars fetch
    reporting:
      upstreamHeader: true
";

#[test]
fn a_pushed_image_can_be_pulled_as_istio_pulls_it() {
    let registry = Registry::start();
    let docker = registry.login(USER.1);
    let (image, digest) = package(registry.folder.path());
    let mesh = registry.folder.path().join("mesh.yaml");
    fs::write(&mesh, MESH).unwrap();

    let reference = format!("{}/peergate/filter:0.1.0", registry.address);
    let push = ["push", &image, &reference, "--plain-http", "--write"];
    let pushed = peergate(&[&push[..], &[mesh.to_str().unwrap()]].concat(), &docker);
    let pinned = format!("oci://{}/peergate/filter@{digest}", registry.address);
    assert_eq!(stdout(&pushed), format!("{pinned}\n"));
    let expected = MESH.replace("oci://registry.example.com/old:1", &format!("\"{pinned}\""));
    assert_eq!(fs::read_to_string(&mesh).unwrap(), expected);

    block_on(async {
        let client = client();
        let auth = RegistryAuth::Basic(USER.0.to_owned(), USER.1.to_owned());
        let tagged: Reference = reference.parse().unwrap();
        let by_tag = client.fetch_manifest_digest(&tagged, &auth).await.unwrap();
        assert_eq!(by_tag, digest);

        let oci = "application/vnd.oci.image.manifest.v1+json";
        let (manifest, found) = client
            .pull_manifest_raw(&tagged, &auth, &[oci])
            .await
            .unwrap();
        assert_eq!(found, digest);
        let manifest: OciImageManifest = serde_json::from_slice(&manifest).unwrap();
        assert_eq!(manifest.media_type.as_deref(), Some(oci));
        // Istio uses the file with this name in the last layer, which must have this type.
        let layer = manifest.layers.last().unwrap();
        assert_eq!(
            layer.media_type,
            "application/vnd.oci.image.layer.v1.tar+gzip"
        );
        let mut blob = Vec::new();
        client.pull_blob(&tagged, layer, &mut blob).await.unwrap();
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&blob[..]));
        let mut module = Vec::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            if entry.path().unwrap().file_name().unwrap() == "plugin.wasm" {
                entry.read_to_end(&mut module).unwrap();
            }
        }
        let built = env::var_os("PEERGATE_FILTER").unwrap();
        assert!(module == fs::read(built).unwrap());

        let image_reference = tagged.clone_with_digest(digest.clone());
        let referring = client.pull_referrers(&image_reference, None).await.unwrap();
        let kinds: Vec<_> = referring
            .manifests
            .iter()
            .map(|entry| entry.artifact_type.as_deref().unwrap())
            .collect();
        assert_eq!(
            kinds,
            [
                "application/vnd.cyclonedx+json",
                "application/vnd.in-toto+json"
            ]
        );
        for entry in referring.manifests {
            let by_digest = tagged.clone_with_digest(entry.digest);
            let (manifest, _) = client
                .pull_manifest_raw(&by_digest, &auth, &[oci])
                .await
                .unwrap();
            let manifest: Value = serde_json::from_slice(&manifest).unwrap();
            assert_eq!(manifest["subject"]["digest"], *digest);
        }
    });

    // A second push uploads nothing and changes nothing.
    assert_eq!(
        stdout(&peergate(&push[..4], &docker)),
        format!("{pinned}\n")
    );
}

/// A user who never logged in has no Docker configuration. A push without a tag moves no tag.
#[test]
fn pushes_to_an_open_registry_without_credentials_and_without_a_tag() {
    let registry = Registry::open();
    let (image, digest) = package(registry.folder.path());
    let no_login = registry.folder.path().join("no-login");
    let push = |reference: &str| {
        let pushed = peergate(&["push", &image, reference, "--plain-http"], &no_login);
        assert!(stdout(&pushed).ends_with(&format!("@{digest}\n")));
    };
    let reference = format!("{}/peergate/filter", registry.address);
    let tags = || {
        let name: Reference = reference.parse().unwrap();
        let anybody = RegistryAuth::Anonymous;
        let tags = block_on(async { client().list_tags(&name, &anybody, None, None).await });
        let mut tags = tags.unwrap().tags;
        // Artifacts that refer to the image are listed under a tag named after its digest.
        tags.retain(|tag| !tag.starts_with("sha256-"));
        tags
    };
    push(&reference);
    assert_eq!(tags(), [""; 0]);
    push(&format!("{reference}:0.1.0"));
    assert_eq!(tags(), ["0.1.0"]);
}

#[test]
fn packages_a_module_reproducibly() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [first, second] = folders.each_ref().map(|folder| package(folder.path()));
    assert_eq!(first.1, second.1);
    assert!(fs::read(first.0).unwrap() == fs::read(second.0).unwrap());
}

#[test]
fn without_credentials_uploads_nothing_and_leaves_the_mesh_unchanged() {
    let registry = Registry::start();
    let (image, _) = package(registry.folder.path());
    let mesh = registry.folder.path().join("mesh.yaml");
    fs::write(&mesh, MESH).unwrap();
    let reference = format!("{}/peergate/filter", registry.address);
    let no_login = registry.folder.path().join("no-login");
    for docker in [registry.login("wrong"), no_login] {
        let args = [
            "push",
            &image,
            &reference,
            "--plain-http",
            "--write",
            mesh.to_str().unwrap(),
        ];
        let output = peergate(&args, &docker);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(output.stdout, b"");
        assert!(String::from_utf8_lossy(&output.stderr).contains("cannot push the image"));
        assert_eq!(fs::read_to_string(&mesh).unwrap(), MESH);
    }
}

#[test]
fn refuses_an_impossible_push_before_uploading_anything() {
    let folder = tempfile::tempdir().unwrap();
    let (image, digest) = package(folder.path());
    let path = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let no_mesh = path("mesh.yaml", &MESH.replace("kind: Mesh", "kind: Mash"));
    let head = "apiVersion: peergate.dev/v1alpha1\nkind: Mesh\nmetadata: {name: m}\n";
    let with_spec = |name: &str, spec: &str| path(name, &format!("{head}{spec}"));
    let in_brackets = with_spec(
        "brackets.yaml",
        "spec: {trustDomain: a, istioVersion: \"1.29\"}\n",
    );
    let digest_in_brackets = with_spec(
        "digest.yaml",
        "spec:\n  trustDomain: a\n  istioVersion: \"1.29\"\n  filter: {image: old, sha256: 00}\n",
    );
    let otherwise_invalid = path("invalid.yaml", &MESH.replace("1.29", "0.1"));
    let no_image = path("image.txt", "text");
    // Nothing listens there.
    let reference = "127.0.0.1:1/filter";
    let pinned = format!("{reference}@{digest}");
    for (args, message) in [
        (
            vec![&*image, reference, "--write", &no_mesh],
            "no document of kind `Mesh`",
        ),
        (
            vec![&*image, reference, "--write", &in_brackets],
            "`filter` is in flow style",
        ),
        (
            vec![&*image, reference, "--write", &digest_in_brackets],
            "`sha256` is in flow style",
        ),
        (
            vec![&*image, reference, "--write", &otherwise_invalid],
            "the document would not be valid: 1 error",
        ),
        (vec![&no_image, reference], "is not an image"),
        (vec![&image, &pinned], "the image determines the digest"),
        (vec![&image, "UPPER/case:"], "use `REGISTRY/NAME:TAG`"),
    ] {
        let output = peergate(&[&["push"], &args[..]].concat(), folder.path());
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{stderr}");
        assert!(stderr.contains(message), "{stderr}");
    }
    let output = peergate(&["push", &image, reference, "--plain-http"], folder.path());
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn packages_only_a_module_with_its_build_info() {
    let folder = tempfile::tempdir().unwrap();
    let built = PathBuf::from(env::var_os("PEERGATE_FILTER").unwrap());
    let module = folder.path().join("filter.wasm");
    let mut bytes = fs::read(built.clone()).unwrap();
    bytes.push(0);
    fs::write(&module, bytes).unwrap();
    let out = folder.path().join("image.tar");
    let package = |filter: &Path, more: &[&str]| {
        let args = [
            "package",
            "--out",
            out.to_str().unwrap(),
            "--filter",
            filter.to_str().unwrap(),
        ];
        peergate(&[&args[..], more].concat(), folder.path())
    };
    let build_info = built.with_extension("build.json");
    for (output, status, message) in [
        (package(&module, &[]), 1, "cannot read"),
        (
            package(&module, &["--build-info", build_info.to_str().unwrap()]),
            3,
            "another module",
        ),
        (package(&build_info, &[]), 3, "is not a WebAssembly module"),
    ] {
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{stderr}");
        assert!(stderr.contains(message), "{stderr}");
        assert!(!out.exists());
    }
}
