//! Replies to denied callers, by identity, reason and level of disclosure, over HTTP/1.1, HTTP/2
//! and gRPC. The tables on the page are generated from real responses.

use std::fmt::Write as _;

use peergate_sandbox::{Client, Request, Response};
use policy_schema::reporting::{DenialsSpec, Disclosure};
use policy_schema::rule_spec::OperationSpec;
use serde_json::Value;

use crate::mesh::{Mesh, WEB, decision_id, plugin_config};

const PAGE: &str = include_str!("../../docs/denials.md");

/// Each kind of denial: its reason, the client, and the path.
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
            "the rule is not yet valid",
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

/// A denial without its decision ID, which is unique.
#[derive(Clone, Debug, PartialEq)]
struct Denial {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Denial {
    fn of(response: &Response) -> Self {
        let id = decision_id(response).unwrap();
        let names = [
            "content-type",
            "x-peergate-reason",
            "x-peergate-decision",
            "grpc-status",
            "grpc-message",
        ];
        let header = |name: &'static str| {
            let value = String::from_utf8(response.header(name)?.to_vec()).unwrap();
            Some((name, value.replace(&id, "ID")))
        };
        Self {
            status: response.status,
            headers: names.into_iter().filter_map(header).collect(),
            body: response.text().replace(&id, "ID"),
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find_map(|(known, value)| (*known == name).then_some(value.as_str()))
    }

    /// The body, which must be a problem detail.
    fn problem(&self) -> Value {
        let problem: Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(problem["status"], self.status, "{problem}");
        let reason = self.header("x-peergate-reason");
        assert_eq!(problem["reason"].as_str(), reason, "{problem}");
        problem
    }

    /// The headers for a table cell.
    fn header_lines(&self) -> String {
        let headers = self.headers.iter();
        let lines = headers.map(|(name, value)| format!("{name}: {value}"));
        lines.collect::<Vec<_>>().join("<br>")
    }
}

/// The denials of a client for a path: over HTTP, equal for HTTP/1.1 and HTTP/2, and over gRPC.
fn denied(client: Client, path: &str) -> (Denial, Denial) {
    let first = Denial::of(&client.send(&Request::get(path)).unwrap());
    assert_eq!(first.status, 403, "{first:?}");
    let client = client.http2();
    let second = Denial::of(&client.send(&Request::get(path)).unwrap());
    assert_eq!(second, first);
    let call = Request::new("POST", path).header("content-type", "application/grpc");
    let call = Denial::of(&client.send(&call).unwrap());
    assert_eq!((call.status, call.body.as_str()), (200, ""), "{call:?}");
    assert_eq!(call.header("grpc-status"), Some("7"), "{call:?}");
    (first, call)
}

#[track_caller]
fn assert_on_page(table: &str) {
    assert!(
        PAGE.contains(table),
        "docs/denials.md must contain this table:\n{table}"
    );
}

#[test]
fn the_page_lists_the_replies() {
    let mesh = Mesh::with_config(plugin_config(|_| {}));
    let mut table = "| denied because | HTTP/1.1 and HTTP/2: 403, body | headers | gRPC: headers |\n| --- | --- | --- | --- |\n"
        .to_owned();
    for (why, client, path) in denials(&mesh) {
        let (plain, call) = denied(client, path);
        plain.problem();
        let (headers, of_grpc) = (plain.header_lines(), call.header_lines());
        let _ = writeln!(
            table,
            "| {why} | `` {} `` | {headers} | {of_grpc} |",
            plain.body
        );
    }
    assert_on_page(&table);
}

/// Other requests by the caller in the first row of that table.
#[test]
fn the_page_lists_replies_to_other_requests() {
    let mesh = Mesh::with_config(plugin_config(|_| {}));
    let (plain, _) = denied(mesh.client_as(WEB), "/admin");
    let mut table = "| request | status | headers | body |\n| --- | --- | --- | --- |\n".to_owned();
    let grpc_web = |kind| Request::new("POST", "/admin").header("content-type", kind);
    for (what, request) in [
        ("`HEAD`", Request::new("HEAD", "/admin")),
        ("gRPC-Web", grpc_web("application/grpc-web+proto")),
        ("gRPC-Web in text", grpc_web("application/grpc-web-text")),
        ("`CONNECT`", Request::connect("orders.shop:80")),
    ] {
        let denied = Denial::of(&mesh.client_as(WEB).send(&request).unwrap());
        let second = mesh.client_as(WEB).http2().send(&request).unwrap();
        assert_eq!(Denial::of(&second), denied, "{what}");
        let headers = if denied.headers == plain.headers {
            "the same".to_owned()
        } else {
            denied.header_lines()
        };
        let body = match &*denied.body {
            "" => "none".to_owned(),
            body if body == plain.body => "the same".to_owned(),
            body => format!("`` {body} ``"),
        };
        let _ = writeln!(table, "| {what} | {} | {headers} | {body} |", denied.status);
    }
    assert_on_page(&table);
}

const DOCUMENTATION: &str = "https://docs.example.com/mesh/denied";

/// The policy with all optional information: owners, a rule that denies any caller, a documentation
/// page and a contact. All callers have the same level.
fn disclosing(level: Disclosure) -> String {
    plugin_config(|config| {
        config.reporting.denials = Some(DenialsSpec {
            documentation: Some(DOCUMENTATION.to_owned()),
            contact: Some("#mesh-help".to_owned()),
            to_mesh: Some(level),
            to_strangers: Some(level),
        });
        for rule in &mut config.rules {
            rule.owner = Some("team-orders".to_owned());
        }
        let closed = config.rules.iter().find(|rule| rule.id == "quarantined");
        let mut closed = closed.unwrap().clone();
        closed.id = "closed".to_owned();
        closed.from = None;
        closed.to = Some(vec![OperationSpec {
            paths: Some(vec!["/closed".to_owned()]),
            ..OperationSpec::default()
        }]);
        config.rules.push(closed);
    })
}

/// The fields of the body except status, title and detail, for a table cell.
fn body_fields(problem: &Value) -> String {
    let fields = [
        "reason", "policy", "rule", "differs", "owner", "contact", "type", "decision",
    ];
    let lines = fields.iter().filter_map(|field| {
        let value = match &problem[field] {
            Value::Null => return None,
            Value::Array(names) => {
                let names = names.iter().map(|name| name.as_str().unwrap());
                names.collect::<Vec<_>>().join(", ")
            }
            value => value.as_str().unwrap().replace(DOCUMENTATION, "PAGE"),
        };
        Some(format!("{field}: {value}"))
    });
    lines.collect::<Vec<_>>().join("<br>")
}

#[test]
fn the_page_lists_disclosure_by_caller_and_level() {
    let mut table =
        "| level | caller | body says | gRPC: message |\n| --- | --- | --- | --- |\n".to_owned();
    for level in [
        Disclosure::Decision,
        Disclosure::Reason,
        Disclosure::NearestRule,
    ] {
        let mesh = Mesh::with_config(disclosing(level));
        let foreign = "spiffe://evil.example/ns/shop/sa/web";
        // Callers with equal replies share a row.
        let mut rows: Vec<(String, Vec<&str>)> = Vec::new();
        for (caller, client, path) in [
            ("of the mesh", mesh.client_as(WEB), "/admin"),
            (
                "of the mesh, by a `Deny` rule",
                mesh.client_as(WEB),
                "/closed",
            ),
            (
                "of another trust domain",
                mesh.client_as(foreign),
                "/orders",
            ),
            ("without identity", mesh.plaintext_client(), "/orders"),
            (
                "without identity, by a `Deny` rule",
                mesh.plaintext_client(),
                "/closed",
            ),
        ] {
            let (plain, call) = denied(client, path);
            let message = call.header("grpc-message").unwrap();
            let cells = format!("{} | {message}", body_fields(&plain.problem()));
            match rows.iter_mut().find(|(known, _)| *known == cells) {
                Some((_, callers)) => callers.push(caller),
                None => rows.push((cells, vec![caller])),
            }
        }
        for (cells, callers) in rows {
            let _ = writeln!(
                table,
                "| `{level:?}` | {} | {cells} |",
                callers.join("<br>")
            );
        }
    }
    assert_on_page(&table);
}
