//! What the upstream is told of the caller, and that nobody else can tell it.

use peergate_sandbox::{Client, Request};

use crate::mesh::{Mesh, WEB, assert_denied, plugin_config};

const CALLER: &str = "x-peergate-caller";

/// What the upstream saw of the header when `request` was sent.
fn callers_seen(client: &Client, request: &Request) -> Vec<String> {
    let received = client.send(request).unwrap().received().unwrap();
    received.header(CALLER).map(str::to_owned).collect()
}

fn forged(path: &str) -> Request {
    Request::get(path)
        .header(CALLER, "spiffe://cluster.local/ns/shop/sa/admin")
        .header(
            "X-Peergate-Caller",
            "spiffe://cluster.local/ns/shop/sa/root",
        )
        .header("X-PEERGATE-CALLER", b"\xff\xfe")
        .header(CALLER, "")
}

#[test]
fn the_upstream_is_told_the_verified_caller() {
    let mesh = Mesh::start();
    assert_eq!(
        callers_seen(&mesh.client_as(WEB), &Request::get("/orders")),
        [WEB]
    );
}

#[test]
fn forged_identity_headers_are_replaced() {
    let mesh = Mesh::start();
    assert_eq!(
        callers_seen(&mesh.client_as(WEB), &forged("/orders")),
        [WEB]
    );
    assert_eq!(
        callers_seen(
            &mesh.client_as(WEB).http2(),
            &Request::get("/orders")
                .header(CALLER, "a")
                .header(CALLER, "b")
        ),
        [WEB]
    );
}

#[test]
fn forged_identity_headers_of_anonymous_callers_are_removed() {
    let mesh = Mesh::start();
    assert_eq!(
        callers_seen(&mesh.plaintext_client(), &forged("/status")),
        [""; 0]
    );
}

#[test]
fn forged_identity_headers_are_removed_where_the_upstream_is_told_nothing() {
    let mesh = Mesh::with_config(plugin_config(|config| config.caller_header = false));
    assert_eq!(
        callers_seen(&mesh.client_as(WEB), &forged("/orders")),
        [""; 0]
    );
    assert_eq!(
        callers_seen(&mesh.client_as(WEB), &Request::get("/orders")),
        [""; 0]
    );
}

#[test]
fn forged_identity_headers_are_removed_where_the_policy_is_in_shadow() {
    let mesh = Mesh::with_config(plugin_config(|config| {
        config.enforcement = policy_schema::rule_spec::Enforcement::Shadow;
    }));
    assert_eq!(
        callers_seen(&mesh.plaintext_client(), &forged("/orders")),
        [""; 0]
    );
    let unnamed = mesh.client_as("urn:no-spiffe-id");
    assert_eq!(callers_seen(&unnamed, &forged("/orders")), [""; 0]);
}

#[test]
fn identity_headers_of_any_kind_let_nobody_in() {
    let mesh = Mesh::start();
    let xfcc = format!("By=spiffe://cluster.local/ns/shop/sa/orders;URI={WEB}");
    let request = forged("/orders")
        .header("x-forwarded-client-cert", xfcc)
        .header("x-envoy-peer-metadata-id", "web")
        .header("x-peergate-reason", "allowed-by-rule");
    let ads = mesh.client_as("spiffe://cluster.local/ns/shop/sa/ads");
    assert_denied(&ads.send(&request).unwrap(), "no-rule-matched");
    assert_denied(
        &mesh.plaintext_client().send(&request).unwrap(),
        "no-identity",
    );
    assert_eq!(mesh.upstream.requests(), 0);
}
