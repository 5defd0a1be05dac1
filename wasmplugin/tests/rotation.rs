//! Certificates change under load, on a pair of real Envoys that take them by SDS: authorities are made
//! by `peergate certs`, workloads' certificates as Istio's CA makes them.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what the tests share may fail as the tests do"
)]

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use peergate_sandbox::wait::wait_for;
use peergate_sandbox::{
    Client, Envoy, EnvoyBinary, INBOUND_STRICT, IdentityFiles, InboundSidecar, OutboundSidecar,
    Request, Upstream,
};
use rcgen::string::Ia5String;
use rcgen::{
    CertificateParams, ExtendedKeyUsagePurpose, Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use serde_json::{Value, json};
use tempfile::TempDir;

const DOMAIN: &str = "cluster.local";
const SERVER: &str = "spiffe://cluster.local/ns/shop/sa/cart";
const CALLER: &str = "spiffe://cluster.local/ns/shop/sa/web";
/// The serial number of the next certificate.
static NEXT: AtomicU64 = AtomicU64::new(0x1000);

const LIMIT: Duration = Duration::from_secs(20);

/// Runs `peergate` with something on stdin; what it printed.
fn peergate(args: &[&str], stdin: &str) -> (Option<i32>, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_peergate"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(stdin.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stdout).unwrap(),
    )
}

/// An intermediate and its root, as `peergate certs` leaves them.
struct Issuing {
    ca_cert: String,
    ca_key: String,
    root: String,
}

impl Issuing {
    /// Makes an intermediate of the root in `folder`, which is made if it is not there.
    fn new(folder: &Path, root: &str, cluster: &str) -> Self {
        let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
        let (root, out) = (path(root), path(cluster));
        let domain = ["--trust-domain", DOMAIN];
        if !Path::new(&root).exists() {
            let make = ["certs", "root", "-o", &root];
            assert_eq!(peergate(&[&make, &domain[..]].concat(), "").0, Some(0));
        }
        let make = [
            "certs",
            "cluster",
            "--root",
            &root,
            "--cluster",
            cluster,
            "-o",
            &out,
        ];
        assert_eq!(peergate(&[&make, &domain[..]].concat(), "").0, Some(0));
        let read = |name: &str| fs::read_to_string(Path::new(&out).join(name)).unwrap();
        Self {
            ca_cert: read("ca-cert.pem"),
            ca_key: read("ca-key.pem"),
            root: read("root-cert.pem"),
        }
    }

    /// A certificate with its chain, its key, and its serial number as Envoy tells it.
    fn issue(&self, id: &str, from_hours: i64, to_hours: i64) -> Leaf {
        let at = |hours: i64| {
            let span = Duration::from_hours(hours.unsigned_abs());
            let now = SystemTime::now();
            if hours < 0 { now - span } else { now + span }
        };
        let issuer_key = KeyPair::from_pem(&self.ca_key).unwrap();
        let issuer = Issuer::from_ca_cert_pem(&self.ca_cert, issuer_key).unwrap();
        let mut params = CertificateParams::default();
        params.not_before = at(from_hours).into();
        params.not_after = at(to_hours).into();
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ClientAuth,
            ExtendedKeyUsagePurpose::ServerAuth,
        ];
        params.subject_alt_names = vec![SanType::URI(Ia5String::try_from(id).unwrap())];
        let serial = NEXT.fetch_add(1, Ordering::Relaxed);
        params.serial_number = Some(serial.into());
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        Leaf {
            chain: certificate.pem() + &self.ca_cert,
            key: key.serialize_pem(),
            serial: format!("{serial:x}"),
        }
    }

    /// One that is good for a day.
    fn good(&self, id: &str) -> Leaf {
        self.issue(id, -1, 23)
    }
}

struct Leaf {
    chain: String,
    key: String,
    serial: String,
}

/// A proxy that takes its certificate and its roots from files, and looks when they change.
struct Proxy {
    envoy: Envoy,
    files: SecretFiles,
}

/// The files of a proxy's secrets, by the names that Istio gives them.
#[derive(Clone)]
struct SecretFiles {
    folder: PathBuf,
}

impl SecretFiles {
    /// Puts a secret in place in one step, as a mounted volume changes.
    fn put(&self, name: &str, secret: &Value) {
        let mut secret = secret.clone();
        secret["@type"] =
            json!("type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret");
        secret["name"] = json!(name);
        let new = self.folder.join(format!(".{name}"));
        fs::write(&new, json!({"resources": [secret]}).to_string()).unwrap();
        fs::rename(new, self.path(name)).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }

    fn put_leaf(&self, leaf: &Leaf) {
        let certificate = json!({
            "certificate_chain": {"inline_string": leaf.chain},
            "private_key": {"inline_string": leaf.key},
        });
        self.put("default", &json!({"tls_certificate": certificate}));
    }

    fn put_roots(&self, roots: &str) {
        let trusted = json!({"inline_string": roots});
        self.put(
            "ROOTCA",
            &json!({"validation_context": {"trusted_ca": trusted}}),
        );
    }

    fn source(&self, name: &str) -> Value {
        json!({
            "name": name,
            "sds_config": {"path_config_source": {"path": self.path(name)}, "resource_api_version": "V3"},
        })
    }

    /// Takes certificates out of a bootstrap, and puts these files in their place.
    fn take_over(&self, bootstrap: &mut Value) {
        match bootstrap {
            Value::Object(fields) => {
                if fields.remove("tls_certificates").is_some() {
                    let source = json!([self.source("default")]);
                    fields.insert("tls_certificate_sds_secret_configs".to_owned(), source);
                    let mut validation = fields.remove("validation_context").unwrap();
                    validation.as_object_mut().unwrap().remove("trusted_ca");
                    let combined = json!({
                        "default_validation_context": validation,
                        "validation_context_sds_secret_config": self.source("ROOTCA"),
                    });
                    fields.insert("combined_validation_context".to_owned(), combined);
                }
                fields.values_mut().for_each(|field| self.take_over(field));
            }
            Value::Array(elements) => elements
                .iter_mut()
                .for_each(|element| self.take_over(element)),
            _ => {}
        }
    }
}

impl Proxy {
    fn start(mut bootstrap: Value, files: SecretFiles) -> Self {
        files.take_over(&mut bootstrap);
        let binary = EnvoyBinary::find(None).unwrap();
        let envoy = Envoy::start(&binary, &bootstrap).unwrap();
        Self { envoy, files }
    }

    /// Gives it a certificate, and waits until it has it.
    fn take_leaf(&self, leaf: &Leaf) {
        self.files.put_leaf(leaf);
        self.wait_for_certs("a certificate", |certs| {
            certs.contains(&format!("\"serial_number\": \"{}\"", leaf.serial))
        });
    }

    /// Gives it roots, and waits until it has as many.
    fn take_roots(&self, roots: &str, count: usize) {
        self.files.put_roots(roots);
        self.wait_for_certs("roots", |certs| {
            let certs: Value = serde_json::from_str(certs).unwrap();
            let mut contexts = certs["certificates"].as_array().unwrap().iter();
            contexts.all(|context| context["ca_cert"].as_array().unwrap().len() == count)
        });
    }

    fn wait_for_certs(&self, what: &str, is_there: impl Fn(&str) -> bool) {
        let certs = || {
            let certs = self.envoy.admin_get("/certs")?;
            Ok(is_there(&certs).then_some(()))
        };
        wait_for(what, LIMIT, certs).unwrap();
    }

    fn counter(&self, end: &str) -> u64 {
        let stats = self.envoy.admin_get("/stats").unwrap();
        let lines = stats.lines().filter_map(|line| line.split_once(": "));
        let named = lines.filter(|(name, _)| name.ends_with(end));
        named.map(|(_, value)| value.parse::<u64>().unwrap()).sum()
    }
}

/// A service behind its proxy, and a caller behind its own.
struct Pair {
    server: Proxy,
    caller: Proxy,
    client: SocketAddr,
    _upstream: Upstream,
    folder: TempDir,
}

impl Pair {
    fn start() -> (Self, Issuing) {
        let folder = tempfile::tempdir().unwrap();
        let issuing = Issuing::new(folder.path(), "root-1", "east-1");
        let secrets = |name: &str, id: &str| {
            let files = SecretFiles {
                folder: folder.path().join(name),
            };
            fs::create_dir(&files.folder).unwrap();
            files.put_leaf(&issuing.good(id));
            files.put_roots(&issuing.root);
            files
        };
        let nowhere = IdentityFiles {
            cert: PathBuf::new(),
            key: PathBuf::new(),
        };
        let upstream = Upstream::start().unwrap();
        let mut inbound = InboundSidecar::new(nowhere.clone(), PathBuf::new(), upstream.addr());
        inbound.trust_domains = vec![DOMAIN.to_owned()];
        let server = Proxy::start(inbound.bootstrap(), secrets("server", SERVER));
        let target = server.envoy.listener(INBOUND_STRICT).unwrap();
        let mut outbound = OutboundSidecar::new(PathBuf::new(), target).caller("web", nowhere);
        outbound.server_name = Some(SERVER.to_owned());
        let mut bootstrap = outbound.bootstrap();
        // Each request makes a handshake, and so shows which certificates are in force.
        let options =
            &mut bootstrap["static_resources"]["clusters"][0]["typed_extension_protocol_options"];
        let options = &mut options["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"];
        options["common_http_protocol_options"] = json!({"max_requests_per_connection": 1});
        let caller = Proxy::start(bootstrap, secrets("caller", CALLER));
        let client = caller.envoy.listener("web").unwrap();
        let pair = Self {
            server,
            caller,
            client,
            _upstream: upstream,
            folder,
        };
        (pair, issuing)
    }

    fn status(&self) -> u16 {
        let client = Client::new(self.client).unwrap();
        client.send(&Request::get("/")).unwrap().status
    }
}

/// Requests one after the other, until told to end.
struct Load {
    ends: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    failed: Arc<Mutex<Vec<String>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    fn start(target: SocketAddr) -> Self {
        let mut load = Self {
            ends: Arc::default(),
            sent: Arc::default(),
            failed: Arc::default(),
            threads: Vec::new(),
        };
        for _ in 0..2 {
            let (ends, sent, failed) = (load.ends.clone(), load.sent.clone(), load.failed.clone());
            load.threads.push(std::thread::spawn(move || {
                let client = Client::new(target).unwrap();
                while !ends.load(Ordering::Relaxed) {
                    match client.send(&Request::get("/")) {
                        Ok(response) if response.status == 200 => {}
                        other => failed.lock().unwrap().push(format!("{other:?}")),
                    }
                    sent.fetch_add(1, Ordering::Relaxed);
                }
            }));
        }
        load
    }

    /// Waits until this many more requests are through.
    fn go_on(&self, count: u64) {
        let enough = self.sent.load(Ordering::Relaxed) + count;
        let is_enough = || Ok((self.sent.load(Ordering::Relaxed) >= enough).then_some(()));
        wait_for("requests", LIMIT, is_enough).unwrap();
    }

    fn end(self) -> (u64, Vec<String>) {
        self.ends.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().unwrap();
        }
        let failed = self.failed.lock().unwrap().clone();
        (self.sent.load(Ordering::Relaxed), failed)
    }
}

#[test]
fn leaf_intermediate_and_root_change_under_load_and_no_request_fails() {
    let (pair, first) = Pair::start();
    let load = Load::start(pair.client);
    load.go_on(100);

    // The certificates themselves.
    pair.server.take_leaf(&first.good(SERVER));
    load.go_on(100);
    pair.caller.take_leaf(&first.good(CALLER));
    load.go_on(100);

    // The intermediate: the root is the same, so nobody has to be told first.
    let second = Issuing::new(pair.folder.path(), "root-1", "east-2");
    pair.server.take_leaf(&second.good(SERVER));
    load.go_on(100);
    pair.caller.take_leaf(&second.good(CALLER));
    load.go_on(100);

    // The root, by the steps that `peergate certs rotate` writes.
    let third = Issuing::new(pair.folder.path(), "root-2", "east-3");
    let path = |name: &str| pair.folder.path().join(name).to_str().unwrap().to_owned();
    let (from, to, out) = (path("east-2"), path("east-3"), path("rotation"));
    let rotate = ["certs", "rotate", "--from", &from, "--to", &to, "-o", &out];
    assert_eq!(peergate(&rotate, "").0, Some(0));
    let step =
        |name: &str, file: &str| fs::read_to_string(Path::new(&out).join(name).join(file)).unwrap();
    let roots = (path("east-2/root-cert.pem"), path("east-3/root-cert.pem"));
    let trusts_both = |proxy: &Proxy| {
        let certs = proxy.envoy.admin_get("/certs").unwrap();
        let args = [
            "certs", "read", "-", "--trusts", &roots.0, "--trusts", &roots.1,
        ];
        peergate(&args, &certs).0 == Some(0)
    };
    for proxy in [&pair.server, &pair.caller] {
        assert!(!trusts_both(proxy));
        proxy.take_roots(&step("1-trust", "root-cert.pem"), 2);
        assert!(trusts_both(proxy));
        load.go_on(100);
    }
    assert_eq!(step("1-trust", "ca-cert.pem"), second.ca_cert);
    assert_eq!(step("2-switch", "ca-cert.pem"), third.ca_cert);
    assert_eq!(
        step("2-switch", "root-cert.pem"),
        step("1-trust", "root-cert.pem")
    );
    pair.server.take_leaf(&third.good(SERVER));
    load.go_on(100);
    pair.caller.take_leaf(&third.good(CALLER));
    load.go_on(100);
    for proxy in [&pair.server, &pair.caller] {
        proxy.take_roots(&step("3-drop", "root-cert.pem"), 1);
        assert!(!trusts_both(proxy));
        load.go_on(100);
    }

    let (sent, failed) = load.end();
    assert_eq!(failed, [""; 0], "of {sent}");
    assert!(pair.server.counter("ssl.handshake") >= sent);

    // What was good under the old root is good no more.
    pair.caller.take_leaf(&second.good(CALLER));
    assert_eq!(pair.status(), 503);
}

#[test]
fn certificates_that_are_not_good_are_refused() {
    let (pair, issuing) = Pair::start();
    assert_eq!(pair.status(), 200);
    let foreign = Issuing::new(pair.folder.path(), "root-other", "other");
    let other_domain = "spiffe://other.example/ns/shop/sa/web";
    let cases = [
        (
            "expired",
            issuing.issue(CALLER, -48, -24),
            "ssl.fail_verify_error",
        ),
        (
            "not yet valid",
            issuing.issue(CALLER, 24, 48),
            "ssl.fail_verify_error",
        ),
        (
            "foreign root",
            foreign.good(CALLER),
            "ssl.fail_verify_error",
        ),
        (
            "wrong trust domain",
            issuing.good(other_domain),
            "ssl.fail_verify_san",
        ),
    ];
    for (what, leaf, counter) in cases {
        let before = pair.server.counter(counter);
        pair.caller.take_leaf(&leaf);
        assert_eq!(pair.status(), 503, "{what}");
        let is_counted = || Ok((pair.server.counter(counter) > before).then_some(()));
        wait_for(what, LIMIT, is_counted).unwrap();
    }
    // The caller refuses a server's in the same way.
    pair.caller.take_leaf(&issuing.good(CALLER));
    assert_eq!(pair.status(), 200);
    for leaf in [
        issuing.issue(SERVER, -48, -24),
        foreign.good(SERVER),
        issuing.good(CALLER),
    ] {
        pair.server.take_leaf(&leaf);
        assert_eq!(pair.status(), 503);
    }
}

/// What `peergate certs read` says of a proxy is what the proxy has.
#[test]
fn a_proxy_is_asked_what_it_has() {
    let (pair, issuing) = Pair::start();
    let read = |proxy: &Proxy| {
        let certs = proxy.envoy.admin_get("/certs").unwrap();
        peergate(&["certs", "read", "-", "--trust-domain", DOMAIN], &certs)
    };
    let (status, text) = read(&pair.server);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains(SERVER), "{text}");
    pair.server.take_leaf(&issuing.issue(SERVER, -48, -24));
    let (status, text) = read(&pair.server);
    assert_eq!(status, Some(1));
    assert!(text.contains("expired: it ended at "), "{text}");
}
