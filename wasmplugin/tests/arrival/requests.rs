//! Requests of each kind that the connection manager changes or refuses.

use serde_json::json;

use crate::case::Caller::{Anonymous, Web};
use crate::case::Outcome::{Denied, Passes, Refused};
use crate::case::Version::{self, Http1, Http2};
use crate::case::{
    ALL, BOTH, Case, Outcome, Sent, check, check_with, on, over_1, over_both, policies_of,
};
use crate::decided;
use crate::sidecar::{Sidecar, documents};

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

const UPGRADE: (&str, &str) = ("connection", "upgrade");
const WEBSOCKET: (&str, &str) = ("upgrade", "websocket");
const H2C: (&str, &str) = ("upgrade", "h2c");

/// A path to tunnel UDP to a host and a port.
const UDP: &str = "/.well-known/masque/udp/a/80/";

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
fn proxies_before_istio_1_23_answer_an_expectation() {
    let cases = [
        ("100-continue", Passes),
        ("100-Continue", Passes),
        ("other", Denied),
    ];
    let cases = cases.map(|(value, outcome)| over_both("expect", &[("expect", value)], outcome));
    check_with(&cases, "1.22", &json!({}));
}

#[test]
fn rules_see_the_headers_about_the_connection_that_decide_says() {
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
fn connection_names_headers_as_decide_says() {
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
fn rules_see_the_headers_that_decide_says() {
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
fn rules_see_the_values_that_decide_says() {
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

#[test]
fn hosts_are_refused_as_decide_says() {
    let at = |host: &str, versions, outcome| {
        let sent = Sent {
            host: host.to_owned(),
            ..Sent::default()
        };
        Case::new(on(":authority", "*"), sent, versions, outcome)
    };
    let mut cases = vec![
        at("a", BOTH, Denied),
        at("A.B:80", BOTH, Denied),
        at("[::1]:80", BOTH, Denied),
        at("a_b", BOTH, Denied),
        at("a,b", BOTH, Denied),
        at("a, b", &[Http1], Refused(400)),
        at("ä", &[Http1], Refused(400)),
        at("a:b:c", &[Http1], Denied),
        at("", &[Http1], Denied),
        at("a@b", &[Http1], Denied),
    ];
    for byte in 1..=0x7f_u8 {
        let letter = char::from(byte);
        let is_refused = !letter.is_ascii_graphic() || "\"#/<>?\\^`{|}".contains(letter);
        let outcome = if is_refused { Refused(400) } else { Denied };
        if !"\r\n".contains(letter) {
            cases.push(at(&format!("a{letter}b"), &[Http1], outcome));
        }
    }
    check(&cases);
}

#[test]
fn rules_see_the_path_and_the_query_that_decide_says() {
    let to = |path: &str, versions, outcome| {
        let sent = Sent {
            path: path.to_owned(),
            ..Sent::default()
        };
        Case::new(on(":path", "/a?x=1"), sent, versions, outcome)
    };
    check(&[
        to("/a", BOTH, Passes),
        to("/a?x=1", BOTH, Denied),
        to("/b/../a?x=1", BOTH, Denied),
        to("/b/%2e%2e/a?x=1", BOTH, Denied),
        to("/a?x=1&y", BOTH, Passes),
        to("/a?x=1#y", &[Http1], Denied),
        to("/a#?x=1", &[Http1], Passes),
    ]);
}

/// The upgrades and tunnels that Istio configures proxies for: `websocket` only.
fn of_istio() -> serde_json::Value {
    json!({
        "proxy_100_continue": true,
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "http2_protocol_options": {},
    })
}

#[test]
fn proxies_of_istio_let_no_connect_pass_as_decide_says() {
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
        Case::new(on("x", "*"), sent, &[Http1], outcome)
    };
    let alone = |path: &str, protocol, outcome| {
        let sent = Sent {
            path: path.to_owned(),
            ..Sent::headers(&[("upgrade", protocol)])
        };
        Case::new(on("x", "*"), sent, &[Http1], outcome)
    };
    // `decide` answers for HTTP/2, and names what HTTP/1.1 gets.
    let asterisk = |method, happens| {
        let sent = Sent {
            method,
            path: "*".to_owned(),
            ..Sent::default()
        };
        Case {
            happens,
            ..Case::new(on("x", "*"), sent, &[Http1], Refused(404))
        }
    };
    check_with(
        &[
            asterisk("GET", Refused(400)),
            asterisk("OPTIONS", Refused(404)),
            connect("to: [{methods: [CONNECT]}]", "a:80", &[], Denied),
            connect("to: [{methods: [GET]}]", "a:80", &[], Refused(404)),
            connect("to: [{paths: ['*']}]", "a:80", &[], Refused(404)),
            connect(&on("x", "*"), "a:80", &[("x", "1")], Denied),
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
        &of_istio(),
    );
}

#[test]
fn an_extended_connect_is_refused() {
    let sent = Sent {
        extended_connect: Some("websocket"),
        ..Sent::default()
    };
    let rules = [("x".to_owned(), on("x", "*"))];
    let documents = documents(&rules.into(), "1.29");
    let sidecar = Sidecar::start(&policies_of(&documents), &of_istio());
    let happens = sidecar.outcome("x", &sent, Web, Http2);
    assert!(happens.is_err(), "{happens:?}");
    let question =
        json!({"to": "shop/x", "from": "shop/web", "method": "CONNECT", "path": "/a", "host": "a"});
    let answers = decided::decide(&documents, [question].into_iter());
    assert_eq!(answers[0]["decision"], "refused", "{answers:?}");
}

#[test]
fn bodies_are_framed_as_decide_says() {
    const LENGTH: &str = "content-length";
    const CODING: &str = "transfer-encoding";
    let mut cases = vec![
        over_1("x", &[(LENGTH, "0"), (LENGTH, "0")], Refused(400)),
        over_1("x", &[(LENGTH, "0"), (LENGTH, "1")], Refused(400)),
        over_1("x", &[(CODING, "chunked"), (LENGTH, "0")], Refused(400)),
        over_1("x", &[(CODING, "gzip"), (LENGTH, "0")], Refused(400)),
        over_1("x", &[(CODING, "chunked"), (LENGTH, "x")], Refused(400)),
        over_1(
            "x",
            &[(CODING, "chunked"), (CODING, "chunked")],
            Refused(501),
        ),
        over_1("x", &[(CODING, "gzip"), (CODING, "chunked")], Refused(501)),
        over_1(
            "x",
            &[(CODING, "chunked"), ("connection", CODING), ("x", "1")],
            Denied,
        ),
        over_1(LENGTH, &[(LENGTH, "0"), ("connection", LENGTH)], Passes),
        over_both(LENGTH, &[(LENGTH, "0")], Denied),
        over_both(LENGTH, &[(LENGTH, "00")], Denied),
    ];
    for length in [
        "",
        "+5",
        "-1",
        "x",
        "0x5",
        "5 5",
        "0,0",
        "5.0",
        "18446744073709551616",
    ] {
        cases.push(over_1("x", &[(LENGTH, length)], Refused(400)));
    }
    for coding in [
        "",
        "gzip",
        "identity",
        "gzip, chunked",
        "chunked, chunked",
        "chunked;q=1",
        ",chunked",
    ] {
        cases.push(over_1("x", &[(CODING, coding)], Refused(501)));
    }
    for coding in ["Chunked", " chunked "] {
        cases.push(over_1("x", &[(CODING, coding), ("x", "1")], Denied));
    }
    check(&cases);
}

#[test]
fn methods_are_other_methods_in_lower_case() {
    let with = |method, rule: &str, versions, outcome| {
        let sent = Sent {
            method,
            ..Sent::default()
        };
        Case::new(format!("to: [{{{rule}}}]"), sent, versions, outcome)
    };
    check(&[
        with("GET", "methods: [GET]", BOTH, Denied),
        with("get", "methods: [GET]", &[Http2], Passes),
        with("get", "notMethods: [GET]", &[Http2], Denied),
        with("Get", "methods: ['*']", &[Http2], Denied),
    ]);
}

#[test]
fn rules_see_the_server_name_that_decide_says() {
    let rules = [(
        "sni".to_owned(),
        "when: [{key: connection.sni, values: [web.shop]}]".to_owned(),
    )];
    let documents = documents(&rules.into(), "1.29");
    let sidecar = Sidecar::start(&policies_of(&documents), &json!({}));
    for (server_name, expected) in [
        ("web.shop", Denied),
        ("Web.SHOP", Denied),
        ("web.shops", Passes),
    ] {
        let mut question = Sent::default().question("sni", Web, Http2);
        question["serverName"] = json!(server_name);
        let answers = decided::decide(&documents, [question].into_iter());
        assert_eq!(Outcome::of_answer(&answers[0]), expected, "{server_name}");
        let happens = sidecar.outcome_at_server_name("sni", server_name);
        assert_eq!(happens, expected, "{server_name}");
    }
}
