//! `peergate verify` on real proxies and real ports.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what the tests share may fail as the tests do"
)]

#[path = "../support/filter.rs"]
mod filter;
mod ports;
mod proof;
mod proxy;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use peergate_sandbox::{INBOUND_OPTIONAL_TLS, INBOUND_PERMISSIVE, INBOUND_STRICT, Leaf};
use serde_json::{Value, json};

use proxy::{CART, POLICY, Proxy, Sidecar, plugin_config, revision};

/// The example shop.
const SHOP: &str = "../examples/online-boutique";

/// An address where nothing listens. A port that was free a moment ago may be in use by now.
const UNREACHABLE: &str = "127.0.0.1:1";

/// The result of a run.
struct Verified {
    status: i32,
    report: Value,
}

impl Verified {
    /// The findings, each as code, subject and message.
    fn findings(&self) -> Vec<[&str; 3]> {
        let findings = self.report["findings"].as_array().unwrap().iter();
        findings
            .map(|finding| {
                ["code", "subject", "message"].map(|field| finding[field].as_str().unwrap())
            })
            .collect()
    }

    fn codes(&self) -> Vec<&str> {
        let findings = self.findings();
        findings.iter().map(|[code, ..]| *code).collect()
    }
}

/// The sandbox's certificate authority is valid for a day and a half.
fn verify(documents: &str, more: &[&str]) -> Verified {
    verify_for("0", documents, more)
}

fn verify_for(min_days: &str, documents: &str, more: &[&str]) -> Verified {
    let output = Command::new(env!("CARGO_BIN_EXE_peergate"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args([
            "verify",
            "-f",
            documents,
            "--min-days",
            min_days,
            "--output",
            "json",
        ])
        .args(more)
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    // Single documents of the example cause warnings about missing ones.
    assert!(!errors.contains("error"), "{errors}");
    Verified {
        status: output.status.code().unwrap(),
        report: serde_json::from_slice(&output.stdout).unwrap(),
    }
}

/// A server on loopback that sends the same response to every request.
struct FixedResponse {
    address: String,
}

impl FixedResponse {
    fn start(text: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        // The thread ends with the test process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut request = [0; 4096];
                // Connections are kept alive for several requests.
                while stream.read(&mut request).is_ok_and(|length| length > 0) {
                    let answer = format!(
                        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{text}",
                        text.len()
                    );
                    if stream.write_all(answer.as_bytes()).is_err() {
                        break;
                    }
                }
            }
        });
        Self { address }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

fn verify_proxy(proxy: &Proxy) -> Verified {
    verify(SHOP, &["--proxy", &proxy.admin()])
}

#[test]
fn a_proxy_that_runs_the_documents_reports_their_revision() {
    let proxy = Proxy::start(Sidecar::default());
    let verified = verify_proxy(&proxy);
    assert_eq!(verified.findings(), [[""; 3]; 0]);
    assert_eq!(verified.status, 0);
    let expected = json!([{
        "name": "boutique/cartservice-1",
        "policies": [{
            "policy": POLICY,
            "revision": revision(),
            "reported": revision(),
            "expected": revision(),
        }],
    }]);
    assert_eq!(verified.report["proxies"], expected);
    let output = Command::new(env!("CARGO_BIN_EXE_peergate"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args([
            "verify",
            "-f",
            SHOP,
            "--min-days",
            "0",
            "--proxy",
            &proxy.admin(),
        ])
        .output()
        .unwrap();
    let expected = format!(
        "proxy boutique/cartservice-1: policy {POLICY} at revision {}\n\n1 proxy: no findings\n",
        revision()
    );
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
}

/// As in Istio: by discovery, separate from the listener.
#[test]
fn detects_a_filter_from_discovery() {
    let proxy = Proxy::start(Sidecar {
        is_discovered: true,
        ..Sidecar::default()
    });
    let verified = verify_proxy(&proxy);
    assert_eq!(verified.findings(), [[""; 3]; 0]);
    assert_eq!(
        verified.report["proxies"][0]["policies"][0]["revision"],
        revision()
    );
}

#[test]
fn reports_a_stale_revision() {
    let folder = tempfile::tempdir().unwrap();
    let copy = |name: &str, change: fn(String) -> String| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(SHOP).join(name);
        let text = change(std::fs::read_to_string(path).unwrap());
        let name = Path::new(name).file_name().unwrap();
        std::fs::write(folder.path().join(name), text).unwrap();
    };
    copy("mesh.yaml", |text| text);
    copy("policies/cartservice.yaml", |text| {
        text.replace("CartService/AddItem", "CartService/Add")
    });
    copy("policies/frontend.yaml", |text| text);
    copy("policies/checkoutservice.yaml", |text| text);
    let proxy = Proxy::start(Sidecar::default());
    let verified = verify(
        folder.path().to_str().unwrap(),
        &["--proxy", &proxy.admin()],
    );
    let expected = verified.report["proxies"][0]["policies"][0]["expected"]
        .as_str()
        .unwrap();
    assert_ne!(expected, revision());
    let message = format!(
        "runs revision {} of policy `{POLICY}`, but the documents have {expected}",
        revision()
    );
    assert_eq!(
        verified.findings(),
        [["stale-revision", "proxy boutique/cartservice-1", &message]]
    );
    assert_eq!(verified.status, 2);
}

#[test]
fn reports_a_config_without_a_revision() {
    let mut config: Value = serde_json::from_str(&plugin_config(CART)).unwrap();
    config.as_object_mut().unwrap().remove("revision");
    let proxy = Proxy::start(Sidecar {
        plugin_config: Some(config.to_string()),
        ..Sidecar::default()
    });
    let message = format!(
        "runs policy `{POLICY}` without a revision, but the documents have {}",
        revision()
    );
    assert_eq!(
        verify_proxy(&proxy).findings(),
        [["stale-revision", "proxy boutique/cartservice-1", &message]]
    );
}

#[test]
fn reports_a_policy_that_does_not_run() {
    let proxy = Proxy::start(Sidecar {
        plugin_config: None,
        ..Sidecar::default()
    });
    let message = format!("does not run policy `{POLICY}`, which selects it");
    assert_eq!(
        verify_proxy(&proxy).findings(),
        [[
            "policy-not-running",
            "proxy boutique/cartservice-1",
            &message
        ]]
    );
}

#[test]
fn reports_a_policy_from_other_documents() {
    let proxy = Proxy::start(Sidecar {
        plugin_config: Some(plugin_config("adservice")),
        ..Sidecar::default()
    });
    let codes: Vec<_> = verify_proxy(&proxy)
        .findings()
        .iter()
        .map(|[code, _, message]| format!("{code}: {message}"))
        .collect();
    assert_eq!(
        codes,
        [
            format!("policy-not-running: does not run policy `{POLICY}`, which selects it"),
            "unknown-policy: runs policy `boutique/adservice`, which does not select its workload"
                .to_owned(),
        ]
    );
    let unknown = plugin_config("adservice").replace("\"name\":\"adservice\"", "\"name\":\"old\"");
    let proxy = Proxy::start(Sidecar {
        plugin_config: Some(unknown),
        ..Sidecar::default()
    });
    assert_eq!(
        verify_proxy(&proxy).findings()[1],
        [
            "unknown-policy",
            "proxy boutique/cartservice-1",
            "runs policy `boutique/old`, which no document declares"
        ]
    );
}

#[test]
fn reports_listeners_open_to_plaintext() {
    let proxy = Proxy::start(Sidecar {
        listeners: vec![INBOUND_STRICT, INBOUND_PERMISSIVE, INBOUND_OPTIONAL_TLS],
        ..Sidecar::default()
    });
    let of = |listener: &str, accepts: &str| {
        let message = format!(
            "its listener `{listener}` accepts {accepts} on every port that no other filter chain matches, but the `Mesh` has no exception for it"
        );
        [
            "plaintext-listener".to_owned(),
            "proxy boutique/cartservice-1".to_owned(),
            message,
        ]
    };
    assert_eq!(
        verify_proxy(&proxy).findings(),
        [
            of(
                INBOUND_OPTIONAL_TLS,
                "TLS without verifying the caller's certificate"
            ),
            of(INBOUND_PERMISSIVE, "plaintext"),
        ]
    );
}

#[test]
fn reports_certificates_that_expire_soon() {
    let begin = SystemTime::now() - Duration::from_hours(20);
    let mut leaf = Leaf::spiffe("spiffe://cluster.local/ns/boutique/sa/cartservice");
    leaf.not_before = begin;
    leaf.lifetime = Duration::from_hours(24);
    let proxy = Proxy::start(Sidecar {
        leaf: Some(leaf),
        ..Sidecar::default()
    });
    let verified = verify_for("2", SHOP, &["--proxy", &proxy.admin()]);
    let codes: Vec<_> = verified
        .findings()
        .iter()
        .map(|[code, _, message]| {
            (
                code.to_owned(),
                message.rsplit(": ").next().unwrap().to_owned(),
            )
        })
        .collect();
    let code = "certificate-ends-soon";
    assert_eq!(
        codes,
        [
            (code, "expires in 1 day".to_owned()),
            (
                code,
                "should have been renewed at half of its lifetime".to_owned()
            ),
        ]
    );
}

#[test]
fn reports_unsound_certificates() {
    let proxy = Proxy::start(Sidecar {
        leaf: Some(Leaf::spiffe(
            "spiffe://other.example/ns/boutique/sa/cartservice",
        )),
        ..Sidecar::default()
    });
    assert_eq!(
        verify_proxy(&proxy).findings(),
        [[
            "unsound-certificate",
            "proxy boutique/cartservice-1",
            "certificate `spiffe://other.example/ns/boutique/sa/cartservice` in `certificates[0].cert_chain`: `other.example` is not a trust domain of the mesh"
        ]]
    );
}

#[test]
fn reports_an_unreachable_proxy() {
    let verified = verify(SHOP, &["--proxy", &format!("http://{UNREACHABLE}")]);
    let findings = verified.findings();
    assert_eq!(findings.len(), 1, "{findings:?}");
    let [code, subject, message] = findings[0];
    assert_eq!(
        (code, subject),
        ("unreachable-proxy", &*format!("proxy {UNREACHABLE}"))
    );
    assert!(message.contains("cannot connect"), "{message}");
    assert_eq!(verified.status, 2);
}

#[test]
fn a_filter_that_the_proxy_refused_does_not_run() {
    let proxy = Proxy::with_refused_filter();
    let verified = verify_proxy(&proxy);
    assert_eq!(
        verified.codes(),
        ["policy-not-running", "refused-configuration"],
        "{:#?}",
        verified.findings()
    );
    let [_, _, message] = verified.findings()[1];
    let start = "refused its listener `inbound-strict`, and keeps the previous one: ";
    assert!(message.starts_with(start), "{message}");
    assert!(message.contains("absent.wasm"), "{message}");
}

#[test]
fn a_disabled_filter_does_not_run() {
    let proxy = Proxy::start(Sidecar {
        is_off: true,
        ..Sidecar::default()
    });
    assert_eq!(verify_proxy(&proxy).codes(), ["policy-not-running"]);
}

#[test]
fn an_outbound_filter_does_not_run() {
    for (direction, expected) in [
        ("OUTBOUND", &["policy-not-running"][..]),
        ("UNSPECIFIED", &["policy-not-running", "not-checked"]),
    ] {
        let proxy = Proxy::start(Sidecar {
            direction,
            ..Sidecar::default()
        });
        assert_eq!(verify_proxy(&proxy).codes(), expected, "{direction}");
    }
}
