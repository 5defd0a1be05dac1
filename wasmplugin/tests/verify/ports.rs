//! What `--probe` says of real ports.

use super::*;

#[test]
fn a_strict_port_refuses_all_that_is_tried() {
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
fn a_port_that_lets_in_whom_it_should_not_is_found() {
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

/// Nor do they ask for one, as Envoy has it.
#[test]
fn a_port_that_takes_any_certificate_is_found() {
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

/// The ports of pods are known from their objects, and so are the exceptions.
#[test]
fn ports_of_pods_are_tried() {
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
fn a_port_that_cannot_be_tried_is_told() {
    let verified = verify(SHOP, &["--probe", NOBODY]);
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

/// Whoever talks plaintext to a caller of whom it knows nothing accepts it, also if it speaks first.
/// Whoever reads and hangs up, as databases do, may have understood or not.
#[test]
fn a_port_that_speaks_no_http_is_not_taken_for_a_closed_one() {
    let of = |answer: &'static [u8]| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                // A caller that has gone already is none to answer.
                let _ = stream.write_all(answer);
                let _ = stream.read(&mut [0; 4096]);
            }
        });
        verify(SHOP, &["--probe", &address])
    };
    assert_eq!(of(b"220 mail ready\r\n").codes(), ["accepts-plaintext"]);
    let hangs_up = of(b"");
    assert_eq!(hangs_up.codes(), ["not-checked"; 3]);
    let expected = json!(["closed", "closed", "closed"]);
    let answers = &hangs_up.report["ports"][0];
    let answers = ["plaintext", "noCertificate", "foreignIdentity"].map(|it| answers[it].clone());
    assert_eq!(json!(answers), expected);
}
