//! Paths that components interpret differently.

use peergate_sandbox::{Leaf, Request};

use super::{EnforcementPoints, Protocol, client, filters};
use crate::mesh::{Mesh, WEB};

const ALLOW: &str = "{id: web, effect: Allow, from: [{serviceAccounts: [web]}]}";

#[test]
fn cve_2026_73551_dot_segments_with_parameters_do_not_pass_a_deny() {
    let planes =
        EnforcementPoints::enforcing(&[ALLOW, r#"{id: b, effect: Deny, to: [{paths: ["/b*"]}]}"#]);
    for path in [
        "/b",
        "/a/../b",
        "/a/..;x/b",
        "/a/..;/b",
        "/.;x/b",
        "/a/.;y/..;x/b",
    ] {
        planes.assert_web_gets(403, &Request::get(path));
    }
    for path in ["/a", "/a/..;x/c", "/a/.;x/b", "/a/..b/b", "/a/...;x/b"] {
        planes.assert_web_gets(200, &Request::get(path));
    }
}

#[test]
fn cve_2026_73551_dot_segments_with_parameters_do_not_lead_into_an_allow() {
    let allow = r#"{id: web, effect: Allow, from: [{serviceAccounts: [web]}], to: [{paths: ["/public/*"]}]}"#;
    let planes = EnforcementPoints::enforcing(&[allow]);
    planes.assert_web_gets(200, &Request::get("/public/a"));
    planes.assert_web_gets(200, &Request::get("/public/.;x/a"));
    for path in [
        "/public/../admin",
        "/public/..;x/admin",
        "/public/a/..;/..;/admin",
    ] {
        planes.assert_web_gets(403, &Request::get(path));
    }
}

#[test]
fn cve_2026_73511_parameters_are_part_of_the_path() {
    let allow = r#"{id: web, effect: Allow, from: [{serviceAccounts: [web]}], to: [{paths: [/public, "/t/{*}/read"]}]}"#;
    let planes = EnforcementPoints::enforcing(&[allow]);
    for path in ["/public", "/public?x", "/t/1/read", "/t/1;v=2/read"] {
        planes.assert_web_gets(200, &Request::get(path));
    }
    for path in [
        "/public;x",
        "/public;",
        "/;x/public",
        "/t/1/read;x",
        "/t;x/1/read",
    ] {
        planes.assert_web_gets(403, &Request::get(path));
    }
}

/// The filter cannot see that a route ignores parameters. RBAC can, and both must allow a request.
#[test]
fn cve_2026_73553_parameters_do_not_pass_a_deny_where_the_route_ignores_them() {
    let deny = r#"{id: admin, effect: Deny, to: [{paths: [/admin, "*.key", "/t/{*}/del"]}]}"#;
    let (mut both, rbac) = filters(&[ALLOW, deny]);
    both.extend(rbac);
    let mesh = Mesh::where_routes_ignore_parameters(both);
    let web = client(&mesh, Some(&Leaf::spiffe(WEB)));
    for (path, status) in [
        ("/admin", 403),
        ("/admin;x=1", 403),
        ("/admin;", 403),
        ("/a.key;x", 403),
        ("/t/1/del;x", 403),
        ("/administration;x", 200),
        ("/a;x", 200),
    ] {
        let response = web.send(&Request::get(path)).unwrap();
        assert_eq!(response.status, status, "{path}");
    }
}

#[test]
fn cve_2025_46821_a_star_in_the_path_is_a_character_under_templates() {
    let deny = r#"{id: d, effect: Deny, to: [{paths: ["/a/{*}", "/b/{**}", "/c/{*}/d"]}]}"#;
    let planes = EnforcementPoints::enforcing(&[ALLOW, deny]);
    for path in ["/a/*", "/a/x*", "/a/**", "/b/*/x", "/b/x/*", "/c/*/d"] {
        planes.assert_web_gets(403, &Request::get(path));
    }
    for path in ["/a/*/x", "/c/*/e", "/*"] {
        planes.assert_web_gets(200, &Request::get(path));
    }
}

#[test]
fn cve_2026_33186_a_path_without_its_slash_does_not_pass_a_deny() {
    let deny = r#"{id: d, effect: Deny, to: [{paths: ["/admin*"]}]}"#;
    let planes = EnforcementPoints::enforcing(&[ALLOW, deny]);
    for (target, expected) in [
        ("admin", "400"),
        ("http://orders.shop/admin", "403"),
        ("http://orders.shop//admin", "200"),
        ("http://orders.shop", "200"),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        let answers = planes.answers_to_bytes(request.as_bytes());
        assert_eq!(answers, [[expected], [expected]], "{target}");
    }
}

#[test]
fn a_query_or_a_fragment_does_not_pass_a_deny() {
    let planes =
        EnforcementPoints::enforcing(&[ALLOW, "{id: d, effect: Deny, to: [{paths: [/admin]}]}"]);
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let request = Request::get("/admin?/public");
        let web = Leaf::spiffe(WEB);
        assert_eq!(planes.statuses(Some(&web), protocol, &request), [403; 2]);
    }
    let fragment = b"GET /admin#/public HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    for answer in planes.answers_to_bytes(fragment) {
        assert!(["400", "403"].contains(&&*answer[0]), "{answer:?}");
    }
}
