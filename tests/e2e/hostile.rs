//! Attempts to break or bypass a filter. After each, the filter still serves requests on the same
//! worker.

use peergate_sandbox::Request;

use crate::mesh::{Mesh, WEB, assert_allowed, assert_denied};

#[test]
fn header_values_that_are_not_utf8_do_no_harm() {
    let mesh = Mesh::start();
    let bytes: Vec<u8> = (0x80..=0xff).collect();
    let request = |path| {
        Request::get(path)
            .header("x-anything", &bytes)
            .header("x-peergate", &bytes)
            .header("user-agent", &bytes)
    };
    let client = mesh.client_as(WEB);
    assert_allowed(&client.send(&request("/orders")).unwrap());
    assert_denied(&client.send(&request("/admin")).unwrap(), "no-rule-matched");
    mesh.assert_still_serves();
}

#[test]
fn bytes_outside_ascii_in_path_and_host_do_no_harm() {
    let mesh = Mesh::start();
    let client = mesh.client_as(WEB);
    for target in [&b"/orders/\xff\xfe"[..], b"/\xc3\xa4", b"/orders\x01"] {
        for host in [&b"shop"[..], b"sh\xffop"] {
            let raw = [
                b"GET ",
                target,
                b" HTTP/1.1\r\nhost: ",
                host,
                b"\r\nconnection: close\r\n\r\n",
            ]
            .concat();
            // Envoy's parser rejects some of these itself. No request passes without a rule.
            if let Ok(answer) = client.send_raw(&raw) {
                let status = String::from_utf8_lossy(&answer).into_owned();
                assert!(
                    status.starts_with("HTTP/1.1 400") || status.starts_with("HTTP/1.1 403"),
                    "{status}"
                );
            }
        }
    }
    mesh.assert_still_serves();
}

#[test]
fn sixty_kilobytes_of_headers_do_no_harm() {
    let mesh = Mesh::start();
    let filler = "x".repeat(580);
    let mut request = Request::get("/orders");
    for number in 0..96 {
        request = request.header(&format!("x-filler-{number}"), &filler);
    }
    let client = mesh.client_as(WEB);
    assert_allowed(&client.send(&request).unwrap());
    let long = format!("/orders/{}", "a".repeat(50_000));
    assert_allowed(&client.send(&Request::get(&long)).unwrap());
    mesh.assert_still_serves();
}

#[test]
fn connect_is_denied_by_rules_with_a_path() {
    let mesh = Mesh::start();
    let client = mesh.client_as(WEB).http2();
    let response = client.send(&Request::connect("orders.shop:80")).unwrap();
    assert_denied(&response, "no-rule-matched");
    mesh.assert_still_serves();
}

#[test]
fn connect_is_allowed_only_by_rules_without_a_path() {
    let mesh = Mesh::start();
    let tunneller = mesh
        .client_as("spiffe://cluster.local/ns/shop/sa/tunneller")
        .http2();
    let response = tunneller.send(&Request::connect("orders.shop:80")).unwrap();
    assert_ne!(response.status, 403, "{response:?}");
    let gateway = mesh
        .client_as("spiffe://cluster.local/ns/istio-system/sa/gateway")
        .http2();
    let response = gateway.send(&Request::connect("shop.example.com")).unwrap();
    assert_denied(&response, "no-rule-matched");
    mesh.assert_still_serves();
}

#[test]
fn requests_without_host_do_no_harm() {
    let mesh = Mesh::start();
    let client = mesh.client_as(WEB);
    for raw in [
        &b"GET /orders HTTP/1.1\r\nconnection: close\r\n\r\n"[..],
        b"GET /orders HTTP/1.1\r\nhost:\r\nconnection: close\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        b"GET http://shop.example.com/admin HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        b"GET /orders HTTP/1.1\r\nhost: a\r\nhost: b\r\nconnection: close\r\n\r\n",
        b"GARBAGE\r\n\r\n",
        b"\x00\x01\x02\x03\r\n\r\n",
    ] {
        // Whatever Envoy does with it, the next caller is served.
        let _ = client.send_raw(raw);
    }
    mesh.assert_still_serves();
}

#[test]
fn distinguishes_many_callers_on_one_worker() {
    let mesh = Mesh::start();
    let web = mesh.client_as(WEB);
    let ads = mesh.client_as("spiffe://cluster.local/ns/shop/sa/ads");
    let mut web = web.connect().unwrap();
    let mut ads = ads.connect().unwrap();
    for _ in 0..50 {
        assert_allowed(&web.send(&Request::get("/orders")).unwrap());
        assert_denied(
            &ads.send(&Request::get("/orders")).unwrap(),
            "no-rule-matched",
        );
    }
    for _ in 0..30 {
        let short_lived = mesh.client_as(WEB);
        assert_allowed(&short_lived.send(&Request::get("/orders")).unwrap());
        let short_lived = mesh.client_as("spiffe://cluster.local/ns/shop/sa/other");
        assert_denied(
            &short_lived.send(&Request::get("/orders")).unwrap(),
            "no-rule-matched",
        );
    }
}
