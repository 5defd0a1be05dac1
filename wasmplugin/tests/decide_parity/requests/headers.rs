//! Headers: which of them rules see, and with which values.

use super::*;
use crate::case::Caller::Anonymous;
use crate::case::{ALL, check_with};

/// What Envoy removes from what clients send that are not internal, each after `x-envoy-`.
const INTERNAL_ONLY: [&str; 15] = [
    "expected-rq-timeout-ms",
    "force-trace",
    "hedge-on-per-try-timeout",
    "ip-tags",
    "max-retries",
    "original-url",
    "retriable-header-names",
    "retriable-status-codes",
    "retry-grpc-on",
    "retry-on",
    "upstream-alt-stat-name",
    "upstream-rq-per-try-timeout-ms",
    "upstream-rq-timeout-alt-response",
    "upstream-rq-timeout-ms",
    "upstream-stream-duration-ms",
];

#[test]
fn rules_see_the_headers_of_internal_clients() {
    let internal = json!({
        "internal_address_config": {
            "cidr_ranges": [{"address_prefix": "10.0.0.0", "prefix_len": 8}],
        },
    });
    let cases = INTERNAL_ONLY.map(|name| {
        let name = format!("x-envoy-{name}");
        let sent = [(&*name, "1"), ("x-forwarded-for", "10.0.0.1")];
        over_both(&name, &sent, Denied)
    });
    check_with(&cases, "1.29", &internal);
}

#[test]
fn proxies_before_istio_1_23_answer_and_remove_expect_100_continue() {
    let cases = [
        ("100-continue", Passes),
        ("100-Continue", Passes),
        ("other", Denied),
    ];
    let cases = cases.map(|(value, outcome)| over_both("expect", &[("expect", value)], outcome));
    check_with(&cases, "1.22", &json!({}));
}

#[test]
fn rules_see_the_connection_headers_that_decide_predicts() {
    check(&[
        over_both("x", &[], Passes),
        over_both("x", &[("x", "1")], Denied),
        over_1("keep-alive", &[("keep-alive", "timeout=5")], Passes),
        over_1("proxy-connection", &[("proxy-connection", "close")], Passes),
        over_1(
            "transfer-encoding",
            &[("transfer-encoding", "chunked")],
            Passes,
        ),
        over_1("connection", &[], Passes),
        over_1("connection", &[UPGRADE], Passes),
        over_1("connection", &[UPGRADE, WEBSOCKET], Denied),
        over_1("connection", &[UPGRADE, H2C], Passes),
        over_1("upgrade", &[WEBSOCKET], Passes),
        over_1("upgrade", &[UPGRADE, WEBSOCKET], Denied),
        over_1("upgrade", &[UPGRADE, H2C], Passes),
        over_1(
            "upgrade",
            &[("connection", "x, Upgrade"), ("upgrade", "WebSocket")],
            Denied,
        ),
        over_1("x", &[UPGRADE, ("upgrade", "other")], Refused(403)),
        over_1(
            "x",
            &[UPGRADE, ("upgrade", "websocket, other")],
            Refused(403),
        ),
        over_1(
            "x",
            &[UPGRADE, WEBSOCKET, ("upgrade", "other")],
            Refused(403),
        ),
        over_1("upgrade", &[UPGRADE, WEBSOCKET, UPGRADE], Denied),
        over_1("x", &[UPGRADE, ("upgrade", "")], Refused(403)),
        over_1("x", &[("upgrade", "other")], Passes),
        over_1("x", &[("connection", "x"), ("x", "1")], Passes),
        over_1("x", &[("connection", "a, X"), ("x", "1")], Passes),
        over_1("x", &[("connection", "y"), ("x", "1")], Denied),
        over_1(
            "x",
            &[("connection", "upgrade, x"), WEBSOCKET, ("x", "1")],
            Denied,
        ),
        over_1(
            "x",
            &[("connection", "upgrade, x"), H2C, ("x", "1")],
            Passes,
        ),
        over_1("x", &[("connection", "upgrade, x"), ("x", "1")], Passes),
        over_1("x", &[("connection", "x-forwarded-for")], Refused(400)),
        over_1("x", &[("connection", "X-Forwarded-Host")], Refused(400)),
        over_1("x", &[("connection", "x-forwarded-proto")], Refused(400)),
        over_1("x", &[("connection", ":path")], Refused(400)),
        over_1("x", &[("connection", "x-forwarded-port")], Passes),
        over_both("te", &[("te", "trailers")], Denied),
        over_1("te", &[("te", "gzip")], Passes),
        over_1("te", &[("te", "gzip, trailers")], Denied),
        over_1("te", &[("te", "trailers;q=1")], Passes),
        over_1("te", &[("te", "gzip"), ("te", "trailers")], Denied),
        over_1("te", &[("connection", "te"), ("te", "trailers")], Denied),
        over_1("te", &[("te", "Trailers")], Passes),
        over_1("te", &[("te", "")], Denied),
        over_1("te", &[UPGRADE, WEBSOCKET, ("te", "gzip")], Denied),
        Case::new(
            on("te", "gzip"),
            Sent::headers(&[UPGRADE, WEBSOCKET, ("te", "gzip")]),
            &[Http1],
            Denied,
        ),
        over_1("upgrade", &[UPGRADE, ("upgrade", ""), WEBSOCKET], Denied),
        over_1("upgrade", &[UPGRADE, WEBSOCKET, ("upgrade", "")], Denied),
    ]);
}

#[test]
fn proxy_removes_headers_named_by_connection_as_decide_predicts() {
    let (short, long) = ("a".repeat(255), "a".repeat(256));
    check(&[
        over_1("x", &[("connection", "host")], Refused(400)),
        over_1("x", &[("connection", "a, Host")], Refused(400)),
        over_1("x", &[("connection", ":authority")], Refused(400)),
        over_1("x", &[("connection", "a:b"), ("x", "1")], Denied),
        over_1(
            "x",
            &[("connection", "upgrade, host"), H2C, ("x", "1")],
            Refused(400),
        ),
        over_1(
            "x",
            &[("connection", "upgrade, host"), WEBSOCKET, ("x", "1")],
            Denied,
        ),
        // With `close`, which ends each connection here, these are 9 and 10.
        over_1(
            "x",
            &[("connection", "a,a,a,a,a,a,a,a"), ("x", "1")],
            Denied,
        ),
        over_1("x", &[("connection", "a,a,a,a,a,a,a,a,a")], Refused(400)),
        over_1("x", &[("connection", ",,,,,,,,,,,,a"), ("x", "1")], Denied),
        over_1("x", &[("connection", "a, , , , , , , , , ")], Refused(400)),
        over_1(
            "x",
            &[("connection", "upgrade,a,a,a,a,a,a,a,a"), H2C, ("x", "1")],
            Denied,
        ),
        over_1(
            "x",
            &[("connection", "upgrade,a,a,a,a,a,a,a,a,a"), H2C],
            Refused(400),
        ),
        over_1("close", &[("close", "1")], Denied),
        over_1("http2-settings", &[("http2-settings", "x")], Denied),
        over_1(
            "http2-settings",
            &[("connection", "http2-settings"), ("http2-settings", "x")],
            Denied,
        ),
        over_1(
            "http2-settings",
            &[UPGRADE, H2C, ("http2-settings", "x")],
            Passes,
        ),
        over_1(
            "http2-settings",
            &[UPGRADE, WEBSOCKET, ("http2-settings", "x")],
            Denied,
        ),
        over_1("te", &[("connection", "te"), ("te", &long)], Refused(400)),
        over_1("te", &[("connection", "te"), ("te", &short)], Passes),
        over_1("te", &[("te", &long)], Passes),
    ]);
}

#[test]
fn rules_see_the_headers_that_decide_predicts() {
    let mut cases = vec![
        over_both("expect", &[("expect", "100-continue")], Denied),
        over_both("expect", &[("expect", "100-Continue")], Denied),
        over_both("expect", &[("expect", "other")], Denied),
        over_both(
            "x-forwarded-host",
            &[("x-forwarded-host", "a"), ("x", "1")],
            Denied,
        ),
        over_both("x-envoy", &[], Passes),
        over_both("x-forwarded-host", &[], Passes),
        Case {
            callers: &[Anonymous],
            ..over_both(
                "x-forwarded-client-cert",
                &[("x-forwarded-client-cert", "x")],
                Passes,
            )
        },
        Case {
            callers: &[Anonymous],
            ..over_both("x-forwarded-client-cert", &[], Passes)
        },
        Case::asked("x-forwarded-client-cert", &[Web], Denied),
        Case::asked(":scheme", ALL, Denied),
        Case::asked("x-forwarded-proto", ALL, Denied),
        Case::asked("x-request-id", ALL, Denied),
        // Proxies in front may set these.
        Case::asked("x-forwarded-for", ALL, Passes),
        Case::asked("x-envoy-internal", ALL, Passes),
        Case::asked("x-envoy-attempt-count", ALL, Passes),
        Case::asked("x-envoy-retry-on", ALL, Passes),
    ];
    // About one connection by RFC 9110 or by their names, but Envoy leaves them.
    for name in [
        "content-length",
        "http2-settings",
        "max-forwards",
        "proxy-authenticate",
        "proxy-authorization",
        "trailer",
        "upgrade-insecure-requests",
        "via",
        "x-forwarded-for",
        "x-forwarded-port",
        "x-forwarded-proto",
        "x-real-ip",
        "x-request-id",
    ] {
        let value = match name {
            "content-length" => "0",
            "x-forwarded-proto" => "http",
            _ => "1",
        };
        cases.push(over_both(name, &[(name, value)], Denied));
    }
    for referer in ["a", "/a", "HTTP://a", "ftp://a:21/?x", "http://[::1]:80/"] {
        cases.push(over_both("referer", &[("referer", referer)], Denied));
    }
    for referer in [
        "https://a/b#y",
        "https://u:p@a/",
        "about:blank",
        "http://a b/",
        "http://",
        "http://a:99999/",
        "http://a:x/",
    ] {
        cases.push(over_both("referer", &[("referer", referer)], Passes));
    }
    for name in INTERNAL_ONLY {
        let name = format!("x-envoy-{name}");
        cases.push(over_both(&name, &[(&name, "1")], Passes));
    }
    for name in [
        "attempt-count",
        "decorator-operation",
        "downstream-service-cluster",
        "downstream-service-node",
        "external-address",
        "is-timeout-retry",
        "original-dst-host",
        "original-host",
        "original-path",
        "peer-metadata",
        "peer-metadata-id",
    ] {
        let name = &*format!("x-envoy-{name}");
        cases.push(over_both(name, &[(name, "1")], Denied));
    }
    check(&cases);
}

#[test]
fn rules_see_the_header_values_that_decide_predicts() {
    fn with(
        rule: String,
        sent: &[(&str, &str)],
        versions: &'static [Version],
        outcome: Outcome,
    ) -> Case {
        Case::new(rule, Sent::headers(sent), versions, outcome)
    }
    let mut cases = vec![
        with(
            on("te", "trailers"),
            &[("te", "gzip, trailers")],
            &[Http1],
            Denied,
        ),
        with(on("x", "a b"), &[("x", " a b\t")], &[Http1], Denied),
        // Envoy keeps these apart. The filter compares them together, RBAC, which is alone here, does not.
        Case {
            happens: Passes,
            ..with(on("x", "a,b"), &[("x", "a"), ("x", "b")], BOTH, Denied)
        },
        with(
            on("accept", "a,b"),
            &[("accept", "a"), ("accept", "b")],
            BOTH,
            Denied,
        ),
        with(
            on("cookie", "a=1; b=2"),
            &[("cookie", "a=1"), ("cookie", "b=2")],
            &[Http2],
            Denied,
        ),
    ];
    // Those that would end the line are no value.
    for byte in (0..=0x7f_u8).filter(|byte| !b"\r\n".contains(byte)) {
        let letter = char::from(byte);
        let is_refused = letter.is_ascii_control() && letter != '\t';
        let outcome = if is_refused { Refused(400) } else { Denied };
        let value = format!("a{letter}b");
        cases.push(with(on("x", "*"), &[("x", &value)], &[Http1], outcome));
    }
    cases.push(with(on("x", "*"), &[("x", "aéb")], BOTH, Denied));
    check(&cases);
}
