//! Repeated headers, and bytes that are not text.

use peergate_sandbox::{Leaf, Request};

use super::{EnforcementPoints, Protocol};
use crate::mesh::WEB;

const ALLOW: &str = "{id: web, effect: Allow, from: [{serviceAccounts: [web]}]}";

#[test]
fn cve_2026_26308_repeated_headers_do_not_pass_a_deny() {
    let deny = r#"{id: evil, effect: Deny, when: [{key: "request.headers[x-role]", values: [evil, "admin*", "*-root"]}]}"#;
    let planes = EnforcementPoints::enforcing(&[ALLOW, deny]);
    let with = |values: &[&str]| {
        let headers = values.iter();
        headers.fold(Request::get("/"), |request, value| {
            request.header("x-role", value)
        })
    };
    for values in [
        &["evil"][..],
        &["user", "evil"],
        &["evil", "user"],
        &["user", "evil", "user"],
        &["user", "admin-7"],
        &["a-root", "user"],
        &["", "evil"],
    ] {
        planes.assert_web_gets(403, &with(values));
    }
    for values in [
        &[][..],
        &["user"],
        &["user", "guest"],
        &["evi", "l"],
        &["devil", "evils"],
        &["x-admin", "root"],
    ] {
        planes.assert_web_gets(200, &with(values));
    }
}

/// Envoy still joins some headers, and RBAC sees the joined text. docs/language.md lists the
/// difference.
#[test]
fn cve_2026_26308_headers_that_envoy_joins_do_not_pass_the_filter() {
    let deny = r#"{id: bots, effect: Deny, when: [{key: "request.headers[user-agent]", values: ["evil*"]}]}"#;
    let planes = EnforcementPoints::enforcing(&[ALLOW, deny]);
    for (agents, expected) in [
        (&["evil/1"][..], [403, 403]),
        (&["x", "evil/1"], [403, 200]),
        (&["x, evil/1"], [403, 200]),
        (&["x", "y"], [200, 200]),
        (&["x-evil/1", "y evil/1"], [200, 200]),
    ] {
        let agents = agents.iter();
        let request = agents.fold(Request::get("/"), |request, agent| {
            request.header("user-agent", agent)
        });
        for protocol in [Protocol::Http1, Protocol::Http2] {
            let statuses = planes.statuses(Some(&Leaf::spiffe(WEB)), protocol, &request);
            assert_eq!(statuses, expected, "{protocol:?}: {request:?}");
        }
    }
}

#[test]
fn cve_2026_26308_repeated_headers_do_not_pass_an_exclusion() {
    let allow = r#"{id: web, effect: Allow, from: [{serviceAccounts: [web]}], when: [{key: "request.headers[x-tenant]", notValues: [internal, "test-*"]}]}"#;
    let planes = EnforcementPoints::enforcing(&[allow]);
    let twice = |first: &str, second: &str| {
        let request = Request::get("/").header("x-tenant", first);
        request.header("X-Tenant", second)
    };
    planes.assert_web_gets(403, &twice("a", "internal"));
    planes.assert_web_gets(403, &twice("internal", "a"));
    planes.assert_web_gets(403, &twice("a", "test-1"));
    planes.assert_web_gets(200, &twice("a", "b"));
    planes.assert_web_gets(200, &twice("a", "tests"));
}

#[test]
fn cve_2026_73552_bytes_that_are_not_utf8_do_not_pass_a_negated_match() {
    let allow = r#"{id: web, effect: Allow, from: [{serviceAccounts: [web]}], when: [{key: "request.headers[x-tenant]", notValues: ["evil*", "*evil"]}]}"#;
    let deny =
        r#"{id: any, effect: Deny, when: [{key: "request.headers[x-never]", values: ["*"]}]}"#;
    let planes = EnforcementPoints::enforcing(&[allow, deny]);
    for value in [&b"evil\xff"[..], b"\xffevil", b"evil\xc3", b"\xc3\x28evil"] {
        planes.assert_web_gets(403, &Request::get("/").header("x-tenant", value));
    }
    planes.assert_web_gets(403, &Request::get("/").header("x-never", b"\xff"));
    for value in [&b"\xff"[..], b"e\xffvil", b"\xffevil\xff"] {
        planes.assert_web_gets(200, &Request::get("/").header("x-tenant", value));
    }
}

/// Rules for `*` used to have a regular expression for the path, which did not match such bytes.
#[test]
fn cve_2026_73552_bytes_that_are_not_utf8_do_not_pass_a_deny_of_every_path() {
    let planes =
        EnforcementPoints::enforcing(&[ALLOW, r#"{id: all, effect: Deny, to: [{paths: ["*"]}]}"#]);
    planes.assert_web_gets(403, &Request::get("/"));
    let answers = planes
        .answers_to_bytes(b"GET /\xff HTTP/1.1\r\nhost: orders.shop\r\nconnection: close\r\n\r\n");
    assert_eq!(answers, [["400"], ["400"]]);
}

/// RBAC only sees the joined text: docs/language.md lists the difference.
#[test]
fn cve_2026_73550_a_second_host_does_not_pass_a_deny_in_the_filter() {
    let deny = "{id: admin, effect: Deny, to: [{hosts: [admin.shop]}]}";
    let planes = EnforcementPoints::enforcing(&[ALLOW, deny]);
    for (hosts, expected) in [
        (["admin.shop", "orders.shop"], ["403", "200"]),
        (["orders.shop", "admin.shop"], ["403", "200"]),
        (["orders.shop", "orders.shop"], ["200", "200"]),
        (["orders.shop", "not-admin.shop"], ["200", "200"]),
    ] {
        let [first, second] = hosts;
        let request = format!(
            "GET / HTTP/1.1\r\nhost: {first}\r\nhost: {second}\r\nconnection: close\r\n\r\n"
        );
        let answers = planes.answers_to_bytes(request.as_bytes());
        assert_eq!(answers, expected.map(|status| [status]), "{hosts:?}");
    }
}

/// Envoy joins the two, so allowing either name does not allow the request.
#[test]
fn cve_2026_73550_a_second_host_is_not_allowed_by_the_first() {
    let allow = "{id: web, effect: Allow, from: [{serviceAccounts: [web]}], to: [{hosts: [orders.shop, \"orders.shop:*\"]}]}";
    let planes = EnforcementPoints::enforcing(&[allow]);
    planes.assert_web_gets(200, &Request::get("/").authority("orders.shop"));
    for [first, second] in [["orders.shop", "admin.shop"], ["admin.shop", "orders.shop"]] {
        let request = format!(
            "GET / HTTP/1.1\r\nhost: {first}\r\nhost: {second}\r\nconnection: close\r\n\r\n"
        );
        let answers = planes.answers_to_bytes(request.as_bytes());
        assert_eq!(answers, [["403"], ["403"]], "{first}, {second}");
    }
    let request = Request::get("/").authority("admin.shop");
    let request = request.header("host", "orders.shop");
    let statuses = planes.statuses(Some(&Leaf::spiffe(WEB)), Protocol::Http2, &request);
    assert_eq!(statuses, [403; 2]);
}
