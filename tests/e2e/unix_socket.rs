//! Connections over a Unix socket have neither address nor port: rules that only exclude some
//! addresses or ports do not allow them, at the filter and at RBAC alike.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

use tempfile::TempDir;

use crate::advisories::filters;
use crate::mesh::Mesh;

/// Rules for anonymous callers: further fields of the source, the operation, and the conditions;
/// and whether the rule allows a connection over a Unix socket.
const RULES: [(&str, &str, &str, bool); 9] = [
    ("", "", "", true),
    ("notRemoteIpBlocks: [10.0.0.0/8]", "", "", false),
    ("remoteIpBlocks: [0.0.0.0/0, \"::/0\"]", "", "", false),
    ("", "notPorts: [81]", "", false),
    ("", "ports: [81]", "", false),
    ("", "", "{key: remote.ip, notValues: [10.0.0.0/8]}", false),
    (
        "",
        "",
        "{key: destination.ip, notValues: [10.0.0.0/8]}",
        false,
    ),
    (
        "",
        "",
        "{key: destination.port, notValues: [\"81\"]}",
        false,
    ),
    ("", "notMethods: [PUT]", "", true),
];

/// A rule for a path that is the rule's number.
fn rule((number, (source, operation, condition, _)): (usize, (&str, &str, &str, bool))) -> String {
    let when = if condition.is_empty() {
        String::new()
    } else {
        format!(", when: [{condition}]")
    };
    let comma = |fields: &str| if fields.is_empty() { "" } else { ", " };
    format!(
        "{{id: r{number}, effect: Allow, from: [{{anonymous: true{}{source}}}], to: [{{paths: [/{number}]{}{operation}}}]{when}}}",
        comma(source),
        comma(operation),
    )
}

fn status(socket: &Path, path: &str) -> String {
    let mut stream = UnixStream::connect(socket).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap_or_default().to_owned()
}

#[test]
fn exclusions_do_not_allow_connections_without_an_address() {
    let rules: Vec<_> = RULES.into_iter().enumerate().map(rule).collect();
    let (filter, rbac) = filters(&rules.iter().map(String::as_str).collect::<Vec<_>>());
    for (name, filters) in [("filter", filter), ("rbac", rbac)] {
        let folder = TempDir::with_prefix("peergate-unix-").unwrap();
        let socket = folder.path().join("s");
        let _mesh = Mesh::at_unix_socket(filters, &socket);
        for (number, (.., is_allowed)) in RULES.into_iter().enumerate() {
            let expected = if is_allowed { "200" } else { "403" };
            let status = status(&socket, &format!("/{number}"));
            assert_eq!(status, expected, "{name}: {:?}", RULES[number]);
        }
    }
}
