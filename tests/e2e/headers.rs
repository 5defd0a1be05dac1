//! The upstream learns the verified caller, and clients cannot forge it.

use peergate_sandbox::{Client, Received, Request};
use policy_schema::reporting::ReportingSpec;
use policy_schema::rule_spec::Enforcement;

use crate::mesh::{Mesh, WEB, assert_denied, plugin_config};

const HEADER: &str = "x-peergate";

/// The caller in a header value.
fn caller(value: &str) -> String {
    let caller = value.split_once("caller=\"");
    let caller = caller.and_then(|(_, rest)| rest.split_once('"'));
    caller.map_or("-", |(caller, _)| caller).to_owned()
}

/// The callers that the upstream received for `request`.
fn callers_seen(client: &Client, request: &Request) -> Vec<String> {
    let received = client.send(request).unwrap().received().unwrap();
    received.header(HEADER).map(caller).collect()
}

fn forged(path: &str) -> Request {
    Request::get(path)
        .header(
            HEADER,
            "decision=allow, caller=\"spiffe://cluster.local/ns/shop/sa/admin\"",
        )
        .header(
            "X-Peergate",
            "caller=\"spiffe://cluster.local/ns/shop/sa/root\"",
        )
        .header("X-PEERGATE", b"\xff\xfe")
        .header(HEADER, "")
}

#[test]
fn reports_caller_decision_rule_and_revision_upstream() {
    let mesh = Mesh::with_config(plugin_config(|config| {
        config.revision = Some("5f70bf18a086".to_owned());
    }));
    let response = mesh.client_as(WEB).send(&Request::get("/orders"));
    let received = response.unwrap().received().unwrap();
    let reported: Vec<_> = received.header(HEADER).collect();
    assert_eq!(
        reported,
        [format!(
            "decision=allow, caller=\"{WEB}\", policy=\"shop/orders\", rule=\"web-places-orders\", \
             revision=\"5f70bf18a086\""
        )]
    );
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
                .header(HEADER, "a")
                .header(HEADER, "b")
        ),
        [WEB]
    );
}

#[test]
fn forged_identity_headers_of_anonymous_callers_are_removed() {
    let mesh = Mesh::start();
    assert_eq!(
        callers_seen(&mesh.plaintext_client(), &forged("/status")),
        ["-"]
    );
}

/// The policy with this `reporting.upstreamHeader`.
fn with_upstream_header(setting: Option<bool>) -> String {
    plugin_config(|config| {
        config.reporting = ReportingSpec {
            upstream_header: setting,
            ..ReportingSpec::default()
        };
    })
}

#[test]
fn forged_identity_headers_are_removed_if_upstreams_do_not_get_the_header() {
    let mesh = Mesh::with_config(with_upstream_header(Some(false)));
    assert_eq!(
        callers_seen(&mesh.client_as(WEB), &forged("/orders")),
        [""; 0]
    );
    assert_eq!(
        callers_seen(&mesh.client_as(WEB), &Request::get("/orders")),
        [""; 0]
    );
}

/// Without the setting, the header is like any other.
#[test]
fn an_identity_header_without_meaning_arrives_as_sent() {
    let mesh = Mesh::with_config(with_upstream_header(None));
    let request = forged_trailers("/orders").header(HEADER, "caller=\"a\"");
    let response = mesh.client_as(WEB).http2().send(&request).unwrap();
    let received = response.received().unwrap();
    assert_eq!(
        received.header(HEADER).collect::<Vec<_>>(),
        ["caller=\"a\""]
    );
    assert_eq!(received.trailers.len(), 5);
}

#[test]
fn forged_identity_headers_are_removed_in_shadow() {
    let mesh = Mesh::with_config(plugin_config(|config| {
        config.enforcement = Enforcement::Shadow;
    }));
    assert_eq!(
        callers_seen(&mesh.plaintext_client(), &forged("/orders")),
        ["-"]
    );
    let unnamed = mesh.client_as("urn:no-spiffe-id");
    assert_eq!(callers_seen(&unnamed, &forged("/orders")), ["-"]);
}

/// Client trailers, including names that an upstream might trust.
fn forged_trailers(path: &str) -> Request {
    Request::get(path)
        .body("a")
        .trailer("x-checksum", "1")
        .trailer(HEADER, format!("caller=\"{WEB}\""))
        .trailer(HEADER, "")
        .trailer("X_Peergate", "caller=\"b\"")
        .trailer("x-peergate-like", "2")
}

/// Asserts that the upstream received the client's own trailers and no others.
#[track_caller]
fn assert_own_trailers(received: &Received) {
    let own = [("x-checksum", "1"), ("x-peergate-like", "2")];
    let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(received.trailers, own);
}

#[test]
fn forged_identity_trailers_are_removed_and_others_arrive() {
    let reported = plugin_config(|_| {});
    let unreported = with_upstream_header(Some(false));
    let in_shadow = plugin_config(|config| config.enforcement = Enforcement::Shadow);
    for (config, of_web, of_anonymous) in [
        (reported, &[WEB][..], &["-"][..]),
        (unreported, &[], &[]),
        (in_shadow, &[WEB], &["-"]),
    ] {
        let mesh = Mesh::with_config(config);
        for (client, path, expected) in [
            (mesh.client_as(WEB), "/orders", of_web),
            (mesh.plaintext_client(), "/status", of_anonymous),
        ] {
            let response = client.http2().send(&forged_trailers(path)).unwrap();
            let received = response.received().unwrap();
            assert_own_trailers(&received);
            let reported: Vec<_> = received.header(HEADER).map(caller).collect();
            assert_eq!(reported, expected);
        }
    }
}

#[test]
fn forged_identity_trailers_are_removed_over_http1() {
    let mesh = Mesh::with_http1_trailers(plugin_config(|_| {}));
    let request = "POST /orders HTTP/1.1\r\nhost: orders.shop\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n\
                   1\r\na\r\n0\r\nx-checksum: 1\r\nx-peergate: a\r\nX-PEERGATE: b\r\nX_Peergate: c\r\nx-peergate-like: 2\r\n\r\n";
    let answer = mesh.client_as(WEB).send_raw(request.as_bytes()).unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    assert_own_trailers(&serde_json::from_str(body).unwrap());
}

#[test]
fn identity_trailers_do_not_grant_access() {
    let mesh = Mesh::start();
    let client = mesh.plaintext_client().http2();
    let response = client.send(&forged_trailers("/orders")).unwrap();
    assert_denied(&response, "no-identity");
    assert_eq!(mesh.upstream.requests(), 0);
    mesh.assert_still_serves();
}

#[test]
fn identity_headers_do_not_grant_access() {
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
