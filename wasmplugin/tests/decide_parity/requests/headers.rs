//! Headers: which of them rules see, and with which values.

use super::*;
use crate::case::Caller::Anonymous;
use crate::case::{ALL, check_with};

/// Headers that Envoy removes from requests of external clients, without the prefix `x-envoy-`.
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
        both_versions_case(&name, &sent, Denied)
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
    let cases =
        cases.map(|(value, outcome)| both_versions_case("expect", &[("expect", value)], outcome));
    check_with(&cases, "1.22", &json!({}));
}

#[test]
fn rules_see_the_connection_headers_that_decide_predicts() {
    check(&[
        both_versions_case("x", &[], Passes),
        both_versions_case("x", &[("x", "1")], Denied),
        http1_case("keep-alive", &[("keep-alive", "timeout=5")], Passes),
        http1_case("proxy-connection", &[("proxy-connection", "close")], Passes),
        http1_case(
            "transfer-encoding",
            &[("transfer-encoding", "chunked")],
            Passes,
        ),
        http1_case("connection", &[], Passes),
        http1_case("connection", &[UPGRADE], Passes),
        http1_case("connection", &[UPGRADE, WEBSOCKET], Denied),
        http1_case("connection", &[UPGRADE, H2C], Passes),
        http1_case("upgrade", &[WEBSOCKET], Passes),
        http1_case("upgrade", &[UPGRADE, WEBSOCKET], Denied),
        http1_case("upgrade", &[UPGRADE, H2C], Passes),
        http1_case(
            "upgrade",
            &[("connection", "x, Upgrade"), ("upgrade", "WebSocket")],
            Denied,
        ),
        http1_case("x", &[UPGRADE, ("upgrade", "other")], Refused(403)),
        http1_case(
            "x",
            &[UPGRADE, ("upgrade", "websocket, other")],
            Refused(403),
        ),
        http1_case(
            "x",
            &[UPGRADE, WEBSOCKET, ("upgrade", "other")],
            Refused(403),
        ),
        http1_case("upgrade", &[UPGRADE, WEBSOCKET, UPGRADE], Denied),
        http1_case("x", &[UPGRADE, ("upgrade", "")], Refused(403)),
        http1_case("x", &[("upgrade", "other")], Passes),
        http1_case("x", &[("connection", "x"), ("x", "1")], Passes),
        http1_case("x", &[("connection", "a, X"), ("x", "1")], Passes),
        http1_case("x", &[("connection", "y"), ("x", "1")], Denied),
        http1_case(
            "x",
            &[("connection", "upgrade, x"), WEBSOCKET, ("x", "1")],
            Denied,
        ),
        http1_case(
            "x",
            &[("connection", "upgrade, x"), H2C, ("x", "1")],
            Passes,
        ),
        http1_case("x", &[("connection", "upgrade, x"), ("x", "1")], Passes),
        http1_case("x", &[("connection", "x-forwarded-for")], Refused(400)),
        http1_case("x", &[("connection", "X-Forwarded-Host")], Refused(400)),
        http1_case("x", &[("connection", "x-forwarded-proto")], Refused(400)),
        http1_case("x", &[("connection", ":path")], Refused(400)),
        http1_case("x", &[("connection", "x-forwarded-port")], Passes),
        both_versions_case("te", &[("te", "trailers")], Denied),
        http1_case("te", &[("te", "gzip")], Passes),
        http1_case("te", &[("te", "gzip, trailers")], Denied),
        http1_case("te", &[("te", "trailers;q=1")], Passes),
        http1_case("te", &[("te", "gzip"), ("te", "trailers")], Denied),
        http1_case("te", &[("connection", "te"), ("te", "trailers")], Denied),
        http1_case("te", &[("te", "Trailers")], Passes),
        http1_case("te", &[("te", "")], Denied),
        http1_case("te", &[UPGRADE, WEBSOCKET, ("te", "gzip")], Denied),
        Case::new(
            header_rule("te", "gzip"),
            Sent::headers(&[UPGRADE, WEBSOCKET, ("te", "gzip")]),
            &[Http1],
            Denied,
        ),
        http1_case("upgrade", &[UPGRADE, ("upgrade", ""), WEBSOCKET], Denied),
        http1_case("upgrade", &[UPGRADE, WEBSOCKET, ("upgrade", "")], Denied),
    ]);
}

#[test]
fn proxy_removes_headers_named_by_connection_as_decide_predicts() {
    let (short, long) = ("a".repeat(255), "a".repeat(256));
    check(&[
        http1_case("x", &[("connection", "host")], Refused(400)),
        http1_case("x", &[("connection", "a, Host")], Refused(400)),
        http1_case("x", &[("connection", ":authority")], Refused(400)),
        http1_case("x", &[("connection", "a:b"), ("x", "1")], Denied),
        http1_case(
            "x",
            &[("connection", "upgrade, host"), H2C, ("x", "1")],
            Refused(400),
        ),
        http1_case(
            "x",
            &[("connection", "upgrade, host"), WEBSOCKET, ("x", "1")],
            Denied,
        ),
        // With the `close` that the tests add, these are 9 and 10.
        http1_case(
            "x",
            &[("connection", "a,a,a,a,a,a,a,a"), ("x", "1")],
            Denied,
        ),
        http1_case("x", &[("connection", "a,a,a,a,a,a,a,a,a")], Refused(400)),
        http1_case("x", &[("connection", ",,,,,,,,,,,,a"), ("x", "1")], Denied),
        http1_case("x", &[("connection", "a, , , , , , , , , ")], Refused(400)),
        http1_case(
            "x",
            &[("connection", "upgrade,a,a,a,a,a,a,a,a"), H2C, ("x", "1")],
            Denied,
        ),
        http1_case(
            "x",
            &[("connection", "upgrade,a,a,a,a,a,a,a,a,a"), H2C],
            Refused(400),
        ),
        http1_case("close", &[("close", "1")], Denied),
        http1_case("http2-settings", &[("http2-settings", "x")], Denied),
        http1_case(
            "http2-settings",
            &[("connection", "http2-settings"), ("http2-settings", "x")],
            Denied,
        ),
        http1_case(
            "http2-settings",
            &[UPGRADE, H2C, ("http2-settings", "x")],
            Passes,
        ),
        http1_case(
            "http2-settings",
            &[UPGRADE, WEBSOCKET, ("http2-settings", "x")],
            Denied,
        ),
        http1_case("te", &[("connection", "te"), ("te", &long)], Refused(400)),
        http1_case("te", &[("connection", "te"), ("te", &short)], Passes),
        http1_case("te", &[("te", &long)], Passes),
    ]);
}

#[test]
fn rules_see_the_headers_that_decide_predicts() {
    let mut cases = vec![
        both_versions_case("expect", &[("expect", "100-continue")], Denied),
        both_versions_case("expect", &[("expect", "100-Continue")], Denied),
        both_versions_case("expect", &[("expect", "other")], Denied),
        both_versions_case(
            "x-forwarded-host",
            &[("x-forwarded-host", "a"), ("x", "1")],
            Denied,
        ),
        both_versions_case("x-envoy", &[], Passes),
        both_versions_case("x-forwarded-host", &[], Passes),
        Case {
            callers: &[Anonymous],
            ..both_versions_case(
                "x-forwarded-client-cert",
                &[("x-forwarded-client-cert", "x")],
                Passes,
            )
        },
        Case {
            callers: &[Anonymous],
            ..both_versions_case("x-forwarded-client-cert", &[], Passes)
        },
        Case::unspecified("x-forwarded-client-cert", &[Web], Denied),
        Case::unspecified(":scheme", ALL, Denied),
        Case::unspecified("x-forwarded-proto", ALL, Denied),
        Case::unspecified("x-request-id", ALL, Denied),
        // Proxies in front may set these.
        Case::unspecified("x-forwarded-for", ALL, Passes),
        Case::unspecified("x-envoy-internal", ALL, Passes),
        Case::unspecified("x-envoy-attempt-count", ALL, Passes),
        Case::unspecified("x-envoy-retry-on", ALL, Passes),
    ];
    // RFC 9110 or their names make these connection headers, but Envoy keeps them.
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
        cases.push(both_versions_case(name, &[(name, value)], Denied));
    }
    for referer in ["a", "/a", "HTTP://a", "ftp://a:21/?x", "http://[::1]:80/"] {
        cases.push(both_versions_case(
            "referer",
            &[("referer", referer)],
            Denied,
        ));
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
        cases.push(both_versions_case(
            "referer",
            &[("referer", referer)],
            Passes,
        ));
    }
    for name in INTERNAL_ONLY {
        let name = format!("x-envoy-{name}");
        cases.push(both_versions_case(&name, &[(&name, "1")], Passes));
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
        cases.push(both_versions_case(name, &[(name, "1")], Denied));
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
            header_rule("te", "trailers"),
            &[("te", "gzip, trailers")],
            &[Http1],
            Denied,
        ),
        with(
            header_rule("x", "a b"),
            &[("x", " a b\t")],
            &[Http1],
            Denied,
        ),
        // Envoy keeps these separate. RBAC, the only enforcement point here, compares each; the filter joins them.
        Case {
            actual: Passes,
            ..with(
                header_rule("x", "a,b"),
                &[("x", "a"), ("x", "b")],
                BOTH,
                Denied,
            )
        },
        with(
            header_rule("accept", "a,b"),
            &[("accept", "a"), ("accept", "b")],
            BOTH,
            Denied,
        ),
        with(
            header_rule("cookie", "a=1; b=2"),
            &[("cookie", "a=1"), ("cookie", "b=2")],
            &[Http2],
            Denied,
        ),
    ];
    // Line breaks cannot be part of a value.
    for byte in (0..=0x7f_u8).filter(|byte| !b"\r\n".contains(byte)) {
        let letter = char::from(byte);
        let is_refused = letter.is_ascii_control() && letter != '\t';
        let outcome = if is_refused { Refused(400) } else { Denied };
        let value = format!("a{letter}b");
        cases.push(with(
            header_rule("x", "*"),
            &[("x", &value)],
            &[Http1],
            outcome,
        ));
    }
    cases.push(with(header_rule("x", "*"), &[("x", "aéb")], BOTH, Denied));
    check(&cases);
}
