//! A Kubernetes API server with its etcd, on loopback. Both end with the test.

use std::env;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use peergate_sandbox::wait::{TIMEOUT, wait_for};
use rcgen::{CertificateParams, KeyPair, SanType};
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// The tokens of users, their names and groups.
const TOKENS: &str = "admin-token,admin,1,system:masters\nviewer-token,viewer,2\n";

/// Waits for the end of what waits for others. A connection belongs to the runtime it was made in.
pub(crate) fn block_on<F: Future>(work: F) -> F::Output {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
        let mut builder = Builder::new_current_thread();
        builder.enable_all().build().unwrap()
    });
    RUNTIME.block_on(work)
}

/// A client with the credentials of a kubeconfig.
pub(crate) fn client(kubeconfig: &Path) -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    block_on(async {
        let kubeconfig = Kubeconfig::read_from(kubeconfig).unwrap();
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
        Client::try_from(config.unwrap()).unwrap()
    })
}

/// A running API server.
pub(crate) struct Server {
    processes: Vec<Child>,
    pub(crate) folder: TempDir,
    port: u16,
}

/// The folder that `scripts/kubernetes` makes.
pub(crate) fn programs() -> PathBuf {
    let folder = env::var_os("PEERGATE_KUBERNETES").map(PathBuf::from);
    folder.unwrap_or_else(|| {
        panic!("PEERGATE_KUBERNETES is to name what `scripts/kubernetes` prints; `make test` does")
    })
}

/// A port that nobody has now.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A kubeconfig for a server; `ca` is the file of its authority.
pub(crate) fn kubeconfig(url: &str, ca: Option<&Path>, token: &str) -> String {
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": url, "certificate-authority": ca}}],
        "users": [{"name": "test", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
    });
    config.to_string()
}

impl Server {
    /// Somebody else may take a port between its choice and its use; then others are chosen.
    pub(crate) fn start() -> Self {
        let mut logs = String::new();
        for _ in 0..5 {
            let mut server = Self::launch();
            if server.is_ready() {
                return server;
            }
            logs = ["etcd.log", "api.log"]
                .map(|name| fs::read_to_string(server.folder.path().join(name)).unwrap())
                .concat();
        }
        panic!("the API server does not start: {logs}");
    }

    fn launch() -> Self {
        let mut server = Self {
            processes: Vec::new(),
            folder: tempfile::tempdir().unwrap(),
            port: free_port(),
        };
        let path = |name: &str| server.folder.path().join(name);
        let key = KeyPair::generate().unwrap();
        fs::write(path("tokens.csv"), TOKENS).unwrap();
        fs::write(path("accounts.pem"), key.serialize_pem()).unwrap();
        fs::write(path("accounts.pub"), key.public_key_pem()).unwrap();
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::IpAddress("127.0.0.1".parse().unwrap())];
        let certificate = params.self_signed(&key).unwrap();
        fs::write(path("server.pem"), certificate.pem()).unwrap();

        let [etcd_url, peer_url] =
            [free_port(), free_port()].map(|port| format!("http://127.0.0.1:{port}"));
        let mut etcd = Command::new(programs().join("etcd"));
        etcd.arg("--data-dir").arg(path("etcd"));
        for flag in ["--listen-client-urls", "--advertise-client-urls"] {
            etcd.args([flag, &etcd_url]);
        }
        for flag in ["--listen-peer-urls", "--initial-advertise-peer-urls"] {
            etcd.args([flag, &peer_url]);
        }
        etcd.args([
            "--initial-cluster",
            &format!("default={peer_url}"),
            "--unsafe-no-fsync",
        ]);

        let accounts = path("accounts.pem");
        let mut api = Command::new(programs().join("kube-apiserver"));
        api.args(["--etcd-servers", &etcd_url])
            .args([
                "--bind-address",
                "127.0.0.1",
                "--secure-port",
                &server.port.to_string(),
            ])
            .arg("--tls-cert-file")
            .arg(path("server.pem"))
            .arg("--tls-private-key-file")
            .arg(&accounts)
            .arg("--token-auth-file")
            .arg(path("tokens.csv"))
            .args(["--authorization-mode", "RBAC"])
            .args(["--service-account-issuer", "https://kubernetes.default.svc"])
            .arg("--service-account-signing-key-file")
            .arg(&accounts)
            .arg("--service-account-key-file")
            .arg(path("accounts.pub"))
            .args(["--service-cluster-ip-range", "10.0.0.0/24"])
            .args(["--kubelet-preferred-address-types", "InternalIP"])
            // Nobody makes the accounts that pods run as.
            .args(["--disable-admission-plugins", "ServiceAccount"]);
        let commands = [(etcd, "etcd.log"), (api, "api.log")];
        for (mut command, log) in commands {
            let log = fs::File::create(server.folder.path().join(log)).unwrap();
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(log);
            server.processes.push(command.spawn().unwrap());
        }
        server
    }

    /// Waits until it says so itself, or one of the two has ended.
    fn is_ready(&mut self) -> bool {
        let client = client(&self.kubeconfig_of("admin"));
        let ready = wait_for("the API server", TIMEOUT, || {
            let mut processes = self.processes.iter_mut();
            if processes.any(|process| process.try_wait().unwrap().is_some()) {
                return Ok(Some(false));
            }
            let request = http::Request::get("/readyz").body(Vec::new()).unwrap();
            let answer = block_on(client.request_text(request));
            Ok(answer.is_ok().then_some(true))
        });
        ready.unwrap()
    }

    /// The kubeconfig of a user.
    pub(crate) fn kubeconfig_of(&self, user: &str) -> PathBuf {
        let ca = self.folder.path().join("server.pem");
        let url = format!("https://127.0.0.1:{}", self.port);
        let text = kubeconfig(&url, Some(&ca), &format!("{user}-token"));
        let path = self.folder.path().join(format!("{user}.kubeconfig"));
        fs::write(&path, text).unwrap();
        path
    }

    /// Has a process end with the server.
    pub(crate) fn add(&mut self, process: Child) {
        self.processes.push(process);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for process in self.processes.iter_mut().rev() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
