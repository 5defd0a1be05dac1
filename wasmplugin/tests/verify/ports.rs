//! `--probe` on real ports.

use super::*;

#[test]
fn a_strict_port_refuses_every_probe() {
    let proxy = Proxy::start(Sidecar::default());
    let port = proxy.port(INBOUND_STRICT);
    let verified = verify(SHOP, &["--probe", &port]);
    assert_eq!(verified.findings(), [[""; 3]; 0]);
    let expected = json!([{
        "address": port,
        "plaintext": "refused",
        "noCertificate": "refused",
        "foreignIdentity": "refused",
    }]);
    assert_eq!(verified.report["ports"], expected);
}

#[test]
fn reports_a_port_that_accepts_forbidden_callers() {
    let proxy = Proxy::start(Sidecar {
        listeners: vec![INBOUND_PERMISSIVE, INBOUND_OPTIONAL_TLS],
        ..Sidecar::default()
    });
    let found = |listener: &str| {
        let port = proxy.port(listener);
        let verified = verify(SHOP, &["--probe", &port]);
        assert_eq!(verified.status, 2);
        let findings = verified.findings();
        let codes = findings.iter().map(|[code, subject, _]| {
            assert_eq!(*subject, port);
            (*code).to_owned()
        });
        codes.collect::<Vec<_>>()
    };
    assert_eq!(found(INBOUND_PERMISSIVE), ["accepts-plaintext"]);
    assert_eq!(found(INBOUND_OPTIONAL_TLS), ["accepts-no-certificate"]);
}

/// With these settings, Envoy does not require a certificate either.
#[test]
fn reports_a_port_that_accepts_any_certificate() {
    for validation in [
        json!({"trust_chain_verification": "ACCEPT_UNTRUSTED"}),
        json!({}),
    ] {
        let proxy = Proxy::start(Sidecar {
            validation: Some(validation.clone()),
            ..Sidecar::default()
        });
        let verified = verify(SHOP, &["--probe", &proxy.port(INBOUND_STRICT)]);
        let expected = ["accepts-no-certificate", "accepts-foreign-identity"];
        assert_eq!(verified.codes(), expected, "{validation}");
        let verified = verify_proxy(&proxy);
        assert_eq!(verified.codes(), ["plaintext-listener"], "{validation}");
    }
}

/// Ports and exceptions of pods come from their objects.
#[test]
fn probes_pod_ports() {
    let proxy = Proxy::start(Sidecar {
        listeners: vec![INBOUND_PERMISSIVE],
        ..Sidecar::default()
    });
    let address = proxy.port(INBOUND_PERMISSIVE);
    let port: u16 = address.rsplit(':').next().unwrap().parse().unwrap();
    let pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "cart-1", "namespace": "boutique", "labels": {"app": "cartservice"}},
        "spec": {"containers": [{"name": "server", "ports": [{"containerPort": port}]}, {"name": "istio-proxy"}]},
        "status": {"phase": "Running", "podIP": "127.0.0.1"},
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pod.json");
    std::fs::write(&path, pod.to_string()).unwrap();
    let verified = verify(
        SHOP,
        &["--manifests", path.to_str().unwrap(), "--probe-pods"],
    );
    let subject = format!("Pod boutique/cart-1 at {address}");
    let found = verified.findings();
    assert!(
        found.contains(&[
            "accepts-plaintext",
            &subject,
            "accepts a caller without TLS"
        ]),
        "{found:?}"
    );
}

#[test]
fn reports_a_port_that_cannot_be_probed() {
    let verified = verify(SHOP, &["--probe", UNREACHABLE]);
    let findings = verified.findings();
    let codes: Vec<_> = findings.iter().map(|[code, ..]| *code).collect();
    assert_eq!(codes, ["not-checked"]);
    assert_eq!(verified.status, 0);
    // It accepts connections without a response.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let verified = verify(SHOP, &["--probe", &address.to_string(), "--deny-warnings"]);
    let codes: Vec<_> = verified
        .findings()
        .iter()
        .map(|[code, ..]| code.to_owned())
        .collect();
    assert_eq!(codes, ["not-checked"; 3]);
    assert_eq!(verified.status, 2);
}

/// A server that sends plaintext to an unknown client accepts plaintext, even if it sends first. A server that
/// reads and then closes, as databases do, is inconclusive.
#[test]
fn does_not_mistake_a_tcp_port_for_a_closed_one() {
    let probe = |answer: &'static [u8]| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                // The client may already be gone.
                let _ = stream.write_all(answer);
                let _ = stream.read(&mut [0; 4096]);
            }
        });
        verify(SHOP, &["--probe", &address])
    };
    assert_eq!(probe(b"220 mail ready\r\n").codes(), ["accepts-plaintext"]);
    let hangs_up = probe(b"");
    assert_eq!(hangs_up.codes(), ["not-checked"; 3]);
    let expected = json!(["closed", "closed", "closed"]);
    let answers = &hangs_up.report["ports"][0];
    let answers = ["plaintext", "noCertificate", "foreignIdentity"].map(|it| answers[it].clone());
    assert_eq!(json!(answers), expected);
}
