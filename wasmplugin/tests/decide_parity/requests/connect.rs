//! `CONNECT`, plain and extended.

use super::*;
use crate::case::check_with;

/// Istio's settings for upgrades and tunnels: `websocket` only.
fn istio_settings() -> serde_json::Value {
    json!({
        "proxy_100_continue": true,
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "http2_protocol_options": {},
    })
}

#[test]
fn istio_proxies_never_forward_connect_as_decide_predicts() {
    let connect = |rule: &str, host: &str, headers: &[(&str, &str)], outcome| {
        let sent = Sent {
            method: "CONNECT",
            host: host.to_owned(),
            ..Sent::headers(headers)
        };
        Case::new(rule.to_owned(), sent, BOTH, outcome)
    };
    let upgrade = |path: &str, protocol, outcome| {
        let sent = Sent {
            path: path.to_owned(),
            ..Sent::headers(&[("connection", "upgrade"), ("upgrade", protocol)])
        };
        Case::new(header_rule("x", "*"), sent, &[Http1], outcome)
    };
    let alone = |path: &str, protocol, outcome| {
        let sent = Sent {
            path: path.to_owned(),
            ..Sent::headers(&[("upgrade", protocol)])
        };
        Case::new(header_rule("x", "*"), sent, &[Http1], outcome)
    };
    // `decide` answers for HTTP/2 and notes the HTTP/1.1 outcome.
    let asterisk = |method, actual| {
        let sent = Sent {
            method,
            path: "*".to_owned(),
            ..Sent::default()
        };
        Case {
            actual,
            ..Case::new(header_rule("x", "*"), sent, &[Http1], Refused(404))
        }
    };
    check_with(
        &[
            asterisk("GET", Refused(400)),
            asterisk("OPTIONS", Refused(404)),
            connect("to: [{methods: [CONNECT]}]", "a:80", &[], Denied),
            connect("to: [{methods: [GET]}]", "a:80", &[], Refused(404)),
            connect("to: [{paths: ['*']}]", "a:80", &[], Refused(404)),
            connect(&header_rule("x", "*"), "a:80", &[("x", "1")], Denied),
            upgrade("/a", "websocket", Passes),
            upgrade("/a", "connect-udp", Refused(404)),
            upgrade(UDP, "connect-udp", Refused(403)),
            alone("/a", "connect-udp", Refused(404)),
            alone(UDP, "Connect-UDP", Passes),
            alone("/a", "other", Passes),
            upgrade(UDP, "Connect-UDP", Refused(403)),
            upgrade("/.well-known/masque/udp/a/80", "connect-udp", Refused(404)),
            upgrade("/.well-known/masque/udp//80/", "connect-udp", Refused(404)),
            upgrade("/a", "connect-ip", Refused(403)),
            upgrade("/a", "tls/1.0", Refused(403)),
        ],
        "1.29",
        &istio_settings(),
    );
}

#[test]
fn refuses_extended_connect() {
    let sent = Sent {
        extended_connect: Some("websocket"),
        ..Sent::default()
    };
    let rules = [("x".to_owned(), header_rule("x", "*"))];
    let documents = documents(&rules.into(), "1.29");
    let sidecar = Sidecar::start(&parse_policies(&documents), &istio_settings());
    let actual = sidecar.outcome("x", &sent, Web, Http2);
    assert!(actual.is_err(), "{actual:?}");
    let question =
        json!({"to": "shop/x", "from": "shop/web", "method": "CONNECT", "path": "/a", "host": "a"});
    let answers = decided::decide(&documents, [question].into_iter());
    assert_eq!(answers[0]["decision"], "refused", "{answers:?}");
}
