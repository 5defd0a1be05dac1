//! Certificates change under load, on a pair of real Envoys that take them by SDS: authorities are made
//! by `peergate certs`, workloads' certificates as Istio's CA makes them.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what the tests share may fail as the tests do"
)]

mod issuing;
mod load;
mod pair;
mod proxy;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use peergate_sandbox::wait::{TIMEOUT, wait_for};

use issuing::Issuing;
use load::Load;
use pair::Pair;
use proxy::Proxy;

const DOMAIN: &str = "cluster.local";
const SERVER: &str = "spiffe://cluster.local/ns/shop/sa/cart";
const CALLER: &str = "spiffe://cluster.local/ns/shop/sa/web";

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
    let rotate = [
        "certs", "rotate", "--from", &from, "--to", &to, "--out", &out,
    ];
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
        // Good certificates of these tests are from an hour ago.
        let certs = proxy.envoy.admin_get("/certs").unwrap();
        let is_from_after = |time: &str| {
            peergate(&["certs", "read", "-", "--renewed-since", time], &certs).0 == Some(0)
        };
        assert!(is_from_after("2020-01-01T00:00:00Z"));
        assert!(!is_from_after("2500-01-01T00:00:00Z"));
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
        wait_for(what, TIMEOUT, is_counted).unwrap();
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
    assert_eq!(status, Some(2), "{text}");
    assert!(text.contains("expired: expired at "), "{text}");
}
