//! Tunnels, upgrades, early data, and resumed sessions.

use peergate_sandbox::{Leaf, Request};

use super::{EnforcementPoints, Protocol, client};
use crate::mesh::{Mesh, WEB};

const ALLOW: &str = "{id: web, effect: Allow, from: [{serviceAccounts: [web]}]}";
const ALLOW_BUT_ADMIN: &str =
    r#"{id: web, effect: Allow, from: [{serviceAccounts: [web]}], to: [{notPaths: ["/admin*"]}]}"#;

#[test]
fn cve_2026_73547_connect_is_not_allowed_for_lack_of_a_path() {
    let web = Some(Leaf::spiffe(WEB));
    let connect = Request::connect("orders.shop:80");
    let operations = [
        r#"notPaths: ["/admin*"]"#,
        r#"notPaths: ["/t/{*}"]"#,
        r#"notPaths: ["*.key"], methods: [CONNECT, GET]"#,
        r#"paths: ["*"]"#,
    ];
    let rules = operations.iter().enumerate().map(|(number, operation)| {
        format!(
            "{{id: r{number}, effect: Allow, from: [{{serviceAccounts: [c{number}]}}], to: [{{{operation}}}]}}"
        )
    });
    let rules: Vec<_> = rules.collect();
    let planes =
        EnforcementPoints::enforcing(&rules.iter().map(String::as_str).collect::<Vec<_>>());
    for (number, operation) in operations.iter().enumerate() {
        let caller = Leaf::spiffe(&format!("spiffe://cluster.local/ns/shop/sa/c{number}"));
        for protocol in [Protocol::Http1, Protocol::Http2] {
            let status = |request| planes.statuses(Some(&caller), protocol, request);
            assert_eq!(status(&connect), [403; 2], "{operation}: {protocol:?}");
            assert_eq!(status(&Request::get("/x")), [200; 2], "{operation}");
        }
    }
    let deny = r#"{id: d, effect: Deny, to: [{notPaths: ["/public*"]}]}"#;
    let planes = EnforcementPoints::enforcing(&[ALLOW, deny]);
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let statuses = planes.statuses(web.as_ref(), protocol, &connect);
        assert_eq!(statuses, [403; 2], "{protocol:?}");
    }
    planes.assert_web_gets(200, &Request::get("/public"));
}

/// Data after the request is another request, or is ignored.
#[test]
fn cve_2026_73548_nothing_is_smuggled_behind_an_upgrade() {
    let planes = EnforcementPoints::enforcing(&[ALLOW_BUT_ADMIN]);
    let upgrade = |path: &str, connection: &str, protocol: &str| {
        format!(
            "GET {path} HTTP/1.1\r\nhost: a\r\nconnection: {connection}\r\nupgrade: {protocol}\r\n\
             http2-settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n"
        )
    };
    let admin = "GET /admin HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    for (connection, protocol) in [
        ("upgrade", "websocket"),
        ("upgrade, http2-settings", "h2c"),
        ("upgrade", "HTTP/2.0"),
    ] {
        let denied = upgrade("/admin", connection, protocol) + admin;
        let [filter, rbac] = planes.answers_to_bytes(denied.as_bytes());
        for answers in [filter, rbac] {
            assert!(answers.iter().all(|status| status == "403"), "{answers:?}");
        }
        let followed = upgrade("/x", connection, protocol) + admin;
        let before = [&planes.filter, &planes.rbac].map(|mesh| mesh.upstream.requests());
        let [filter, rbac] = planes.answers_to_bytes(followed.as_bytes());
        for answers in [filter, rbac] {
            let passed = answers.iter().filter(|status| *status == "200").count();
            assert!(passed <= 1, "{protocol}: {answers:?}");
        }
        for (mesh, before) in [&planes.filter, &planes.rbac].into_iter().zip(before) {
            assert!(mesh.upstream.requests() <= before + 1, "{protocol}");
        }
    }
}

/// Envoy converts it to a `GET` with an upgrade, before any rule sees it. It rejects other
/// protocols.
#[test]
fn cve_2026_73548_an_extended_connect_is_decided_by_its_path() {
    let planes = EnforcementPoints::enforcing(&[ALLOW_BUT_ADMIN]);
    // The service only speaks HTTP, so allowed requests fail there.
    for (protocol, path, is_denied) in [
        ("websocket", "/x", false),
        ("websocket", "/admin", true),
        ("custom", "/x", true),
    ] {
        let statuses = planes.answers(Some(&Leaf::spiffe(WEB)), |client| {
            let client = client.http2();
            let mut connection = client.connect().unwrap();
            let first = connection.send(&Request::get("/x")).unwrap();
            assert_eq!(first.status, 200);
            let request = Request::extended_connect(protocol, path);
            connection.send(&request).unwrap().status == 403
        });
        assert_eq!(statuses, [is_denied; 2], "{protocol} {path}");
    }
}

#[test]
fn cve_2025_64763_early_tunnel_data_is_not_forwarded() {
    let planes = EnforcementPoints::enforcing(&[ALLOW_BUT_ADMIN]);
    let early = b"CONNECT a:80 HTTP/1.1\r\nhost: a:80\r\n\r\nGET /admin HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    for answers in planes.answers_to_bytes(early) {
        assert!(answers.iter().all(|status| status == "403"), "{answers:?}");
    }
    for mesh in [&planes.filter, &planes.rbac] {
        assert_eq!(mesh.upstream.requests(), 0);
    }
}

#[test]
fn envoy_42668_a_resumed_session_keeps_its_caller() {
    let deny = "{id: d, effect: Deny, from: [{serviceAccounts: [ads]}]}";
    let planes = EnforcementPoints::enforcing(&["{id: all, effect: Allow}", deny]);
    let resumed = |mesh: &Mesh| {
        let metrics = mesh.metrics();
        let resumed = metrics.value("envoy_listener_ssl_session_reused", &[]);
        resumed.unwrap_or_default()
    };
    for mesh in [&planes.filter, &planes.rbac] {
        for (account, status, sessions) in [("web", 200, 1.0), ("ads", 403, 2.0)] {
            let caller = Leaf::spiffe(&format!("spiffe://cluster.local/ns/shop/sa/{account}"));
            let client = client(mesh, Some(&caller)).resuming();
            for _ in 0..2 {
                assert_eq!(client.send(&Request::get("/")).unwrap().status, status);
            }
            assert!((resumed(mesh) - sessions).abs() < 0.5, "{}", resumed(mesh));
        }
    }
}
