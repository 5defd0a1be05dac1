//! What a denied caller gets, by who it is and why, over HTTP/1.1, HTTP/2 and gRPC. The page has the
//! table that real responses make.

use std::fmt::Write as _;

use peergate_sandbox::{Client, Request, Response};
use serde_json::Value;

use crate::mesh::{Mesh, WEB, decision_id, plugin_config};

const PAGE: &str = include_str!("../../docs/denials.md");

/// Each kind of denial: why, the client, and the path.
fn denials(mesh: &Mesh) -> [(&'static str, Client, &'static str); 7] {
    let named = |id| mesh.client_as(id);
    [
        ("no rule matches", named(WEB), "/admin"),
        (
            "a `Deny` rule matches",
            named("spiffe://cluster.local/ns/quarantine/sa/any"),
            "/orders",
        ),
        (
            "the rule has expired",
            named("spiffe://cluster.local/ns/shop/sa/reports"),
            "/orders",
        ),
        (
            "the rule does not apply yet",
            named("spiffe://cluster.local/ns/shop/sa/planning"),
            "/orders",
        ),
        ("no identity", mesh.plaintext_client(), "/orders"),
        ("no SPIFFE ID", named("urn:no-spiffe-id"), "/orders"),
        (
            "another trust domain",
            named("spiffe://evil.example/ns/shop/sa/web"),
            "/orders",
        ),
    ]
}

/// A response with the id of the decision, which no two have in common, left out.
fn without_id(response: &Response) -> (String, String) {
    let id = decision_id(response).unwrap();
    let header = |name: &str| {
        let value = response.header(name)?;
        Some(
            String::from_utf8(value.to_vec())
                .unwrap()
                .replace(&id, "ID"),
        )
    };
    let names = [
        "content-type",
        "x-peergate-reason",
        "x-peergate-decision",
        "grpc-status",
        "grpc-message",
    ];
    let headers = names
        .iter()
        .filter_map(|name| Some(format!("{name}: {}", header(name)?)));
    let headers: Vec<_> = headers.collect();
    (headers.join("<br>"), response.text().replace(&id, "ID"))
}

/// The table of the page.
fn table() -> String {
    let mesh = Mesh::with_config(plugin_config(|_| {}));
    let mut table = "| denied because | HTTP/1.1 and HTTP/2: 403, body | headers | gRPC: headers |\n| --- | --- | --- | --- |\n"
        .to_owned();
    for (why, client, path) in denials(&mesh) {
        let plain = client.send(&Request::get(path)).unwrap();
        assert_eq!(plain.status, 403, "{plain:?}");
        let (headers, body) = without_id(&plain);
        let client = client.http2();
        let second = client.send(&Request::get(path)).unwrap();
        assert_eq!(second.status, 403, "{second:?}");
        assert_eq!(
            without_id(&second),
            (headers.clone(), body.clone()),
            "{why}"
        );
        let call = Request::new("POST", path).header("content-type", "application/grpc");
        let call = client.send(&call).unwrap();
        assert_eq!((call.status, call.text().as_str()), (200, ""), "{call:?}");
        let (of_grpc, _) = without_id(&call);
        let parsed: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(parsed["status"], 403, "{body}");
        let _ = writeln!(table, "| {why} | `` {body} `` | {headers} | {of_grpc} |");
    }
    table
}

#[test]
fn the_page_has_the_answers_that_callers_get() {
    let table = table();
    assert!(
        PAGE.contains(&table),
        "docs/denials.md is to have this table:\n{table}"
    );
}
