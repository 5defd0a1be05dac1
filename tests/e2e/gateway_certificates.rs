//! Gateways whose listeners accept client certificates that they cannot validate.

use std::time::{Duration, SystemTime};

use peergate_sandbox::{
    Authority, Client, INBOUND_OPTIONAL_TLS, INBOUND_STRICT, Identity, Leaf, Request,
};
use serde_json::{Value, json};

use crate::mesh::{Mesh, WEB, assert_allowed, assert_denied, http_filter, plugin_config};

const GATEWAY: &str = "router~127.0.0.1~gateway-0.edge~edge.svc.cluster.local";
const SIDECAR: &str = "sidecar~127.0.0.1~orders-0.shop~shop.svc.cluster.local";

/// A proxy whose listener [`INBOUND_OPTIONAL_TLS`] trusts the mesh's CA for HTTP/1.1 and another CA
/// for HTTP/2, and whose listener [`INBOUND_STRICT`] trusts that other CA. Both accept certificates
/// that they cannot validate.
fn accepting_untrusted(node: &str) -> Mesh {
    start(node, |_| {})
}

/// The same with a changed bootstrap.
fn start(node: &str, change: impl FnOnce(&mut Value)) -> Mesh {
    let other_ca = json!({ "inline_string": Authority::new().unwrap().pem() });
    let filter = http_filter(plugin_config(|_| {}));
    Mesh::run_with(
        |sidecar, _| sidecar.http_filters = vec![filter],
        |bootstrap| {
            bootstrap["node"]["id"] = node.into();
            let optional = listener(bootstrap, INBOUND_OPTIONAL_TLS);
            let own = &mut optional["filter_chains"][0];
            validation(own)["trust_chain_verification"] = "ACCEPT_UNTRUSTED".into();
            let mut other = own.clone();
            own["filter_chain_match"] = json!({ "application_protocols": ["http/1.1"] });
            other["filter_chain_match"] = json!({ "application_protocols": ["h2"] });
            other["name"] = "other".into();
            validation(&mut other)["trusted_ca"] = other_ca.clone();
            optional["filter_chains"]
                .as_array_mut()
                .unwrap()
                .push(other);
            optional["listener_filters"] = json!([{
                "name": "envoy.filters.listener.tls_inspector",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
                },
            }]);
            let strict = listener(bootstrap, INBOUND_STRICT);
            let validation = validation(&mut strict["filter_chains"][0]);
            validation["trust_chain_verification"] = "ACCEPT_UNTRUSTED".into();
            validation["trusted_ca"] = other_ca;
            change(bootstrap);
        },
    )
}

fn listener<'b>(bootstrap: &'b mut Value, name: &str) -> &'b mut Value {
    let listeners = &mut bootstrap["static_resources"]["listeners"];
    let mut listeners = listeners.as_array_mut().unwrap().iter_mut();
    listeners.find(|listener| listener["name"] == name).unwrap()
}

fn validation(chain: &mut Value) -> &mut Value {
    &mut chain["transport_socket"]["typed_config"]["common_tls_context"]["validation_context"]
}

fn client(mesh: &Mesh, listener: &str, identity: &Identity) -> Client {
    let client = mesh.at(listener);
    client.tls(&mesh.authority, Some(identity)).unwrap()
}

/// The number of resumed sessions.
fn resumed_sessions(mesh: &Mesh) -> u64 {
    let stats = mesh
        .envoy
        .admin_get("/stats?filter=ssl.session_reused")
        .unwrap();
    let counts = stats
        .lines()
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
    counts.sum()
}

/// Two requests by one client, the second in a resumed session.
fn on_a_full_and_a_resumed_session(mesh: &Mesh, client: Client) -> [peergate_sandbox::Response; 2] {
    let client = client.resuming();
    let before = resumed_sessions(mesh);
    let responses = [(); 2].map(|()| client.send(&Request::get("/orders")).unwrap());
    assert_eq!(resumed_sessions(mesh), before + 1);
    responses
}

#[test]
fn a_self_signed_certificate_is_no_identity_at_a_gateway() {
    let mesh = accepting_untrusted(GATEWAY);
    let self_made = Authority::new().unwrap().issue(&Leaf::spiffe(WEB)).unwrap();
    let client = client(&mesh, INBOUND_OPTIONAL_TLS, &self_made);
    let response = client.send(&Request::get("/orders")).unwrap();
    assert_denied(&response, "unvalidated-certificate");
    assert_eq!(mesh.upstream.requests(), 0);
}

#[test]
fn a_self_signed_certificate_counts_as_anonymous_at_a_gateway() {
    let mesh = accepting_untrusted(GATEWAY);
    let self_made = Authority::new().unwrap().issue(&Leaf::spiffe(WEB)).unwrap();
    let client = client(&mesh, INBOUND_OPTIONAL_TLS, &self_made);
    let response = client.send(&Request::get("/status")).unwrap();
    let received = response.received().unwrap();
    let reported: Vec<_> = received
        .headers
        .iter()
        .filter(|(name, _)| name == "x-peergate")
        .collect();
    assert_eq!(reported.len(), 1, "{received:?}");
    assert!(!reported[0].1.contains("caller"), "{reported:?}");
}

#[test]
fn a_validated_certificate_is_an_identity_at_a_gateway() {
    let mesh = accepting_untrusted(GATEWAY);
    let client = client(&mesh, INBOUND_OPTIONAL_TLS, &mesh.identity([WEB]));
    assert_allowed(&client.send(&Request::get("/orders")).unwrap());
}

#[test]
fn an_expired_certificate_is_no_identity_at_a_gateway() {
    let mesh = accepting_untrusted(GATEWAY);
    let leaf = Leaf {
        not_before: SystemTime::now() - Duration::from_hours(48),
        lifetime: Duration::from_hours(24),
        ..Leaf::spiffe(WEB)
    };
    let expired = mesh.authority.issue(&leaf).unwrap();
    let client = client(&mesh, INBOUND_OPTIONAL_TLS, &expired);
    let response = client.send(&Request::get("/orders")).unwrap();
    assert_denied(&response, "unvalidated-certificate");
}

#[test]
fn a_resumed_session_keeps_its_validated_identity() {
    let mesh = accepting_untrusted(GATEWAY);
    let client = client(&mesh, INBOUND_OPTIONAL_TLS, &mesh.identity([WEB]));
    let responses = on_a_full_and_a_resumed_session(&mesh, client);
    responses.iter().for_each(assert_allowed);
}

#[test]
fn a_resumed_session_needs_a_named_filter_chain() {
    let mesh = start(GATEWAY, |bootstrap| {
        let listener = listener(bootstrap, INBOUND_OPTIONAL_TLS);
        let chain = listener["filter_chains"][0].as_object_mut().unwrap();
        chain.remove("name");
    });
    let client = client(&mesh, INBOUND_OPTIONAL_TLS, &mesh.identity([WEB]));
    let [full, resumed] = on_a_full_and_a_resumed_session(&mesh, client);
    assert_allowed(&full);
    assert_denied(&resumed, "unvalidated-certificate");
}

#[test]
fn without_resumption_every_validated_handshake_is_an_identity() {
    let mesh = start(GATEWAY, |bootstrap| {
        let listener = listener(bootstrap, INBOUND_OPTIONAL_TLS);
        let chain = listener["filter_chains"][0].as_object_mut().unwrap();
        chain.remove("name");
        let tls = &mut chain["transport_socket"]["typed_config"];
        tls["disable_stateless_session_resumption"] = true.into();
        tls["disable_stateful_session_resumption"] = true.into();
    });
    let client = client(&mesh, INBOUND_OPTIONAL_TLS, &mesh.identity([WEB])).resuming();
    for _ in 0..3 {
        assert_allowed(&client.send(&Request::get("/orders")).unwrap());
    }
    assert_eq!(resumed_sessions(&mesh), 0);
}

#[test]
fn a_resumed_session_of_a_self_signed_certificate_is_no_identity() {
    let mesh = accepting_untrusted(GATEWAY);
    let self_made = Authority::new().unwrap().issue(&Leaf::spiffe(WEB)).unwrap();
    let client = client(&mesh, INBOUND_OPTIONAL_TLS, &self_made);
    for response in on_a_full_and_a_resumed_session(&mesh, client) {
        assert_denied(&response, "unvalidated-certificate");
    }
}

#[test]
fn validation_at_one_filter_chain_does_not_count_at_another() {
    let mesh = accepting_untrusted(GATEWAY);
    let web = mesh.identity([WEB]);
    let trusting = client(&mesh, INBOUND_OPTIONAL_TLS, &web);
    let others = [
        client(&mesh, INBOUND_OPTIONAL_TLS, &web).http2(),
        client(&mesh, INBOUND_STRICT, &web),
    ];
    for other in others {
        assert_allowed(&trusting.send(&Request::get("/orders")).unwrap());
        let response = other.send(&Request::get("/orders")).unwrap();
        assert_denied(&response, "unvalidated-certificate");
    }
}

#[test]
fn a_resumed_session_is_an_identity_at_a_sidecar() {
    for node in [SIDECAR, "inbound"] {
        let mesh = Mesh::run_with(
            |sidecar, _| sidecar.http_filters = vec![http_filter(plugin_config(|_| {}))],
            |bootstrap| bootstrap["node"]["id"] = node.into(),
        );
        let client = client(&mesh, INBOUND_STRICT, &mesh.identity([WEB]));
        let responses = on_a_full_and_a_resumed_session(&mesh, client);
        responses.iter().for_each(assert_allowed);
    }
}
