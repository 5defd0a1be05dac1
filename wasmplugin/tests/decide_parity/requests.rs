//! Requests that the connection manager changes or refuses.

mod connect;
mod headers;

use serde_json::json;

use crate::case::Caller::Web;
use crate::case::Outcome::{Denied, Passes, Refused};
use crate::case::Version::{self, Http1, Http2};
use crate::case::{
    BOTH, Case, Outcome, Sent, both_versions_case, check, header_rule, http1_case, parse_policies,
};
use crate::decided;
use crate::sidecar::{Sidecar, documents};

const UPGRADE: (&str, &str) = ("connection", "upgrade");
const WEBSOCKET: (&str, &str) = ("upgrade", "websocket");
const H2C: (&str, &str) = ("upgrade", "h2c");

/// A path that tunnels UDP to a host and port.
const UDP: &str = "/.well-known/masque/udp/a/80/";

#[test]
fn proxy_refuses_the_hosts_that_decide_predicts() {
    let at = |host: &str, versions, outcome| {
        let sent = Sent {
            host: host.to_owned(),
            ..Sent::default()
        };
        Case::new(header_rule(":authority", "*"), sent, versions, outcome)
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
fn rules_see_the_path_and_query_that_decide_predicts() {
    let to = |path: &str, versions, outcome| {
        let sent = Sent {
            path: path.to_owned(),
            ..Sent::default()
        };
        Case::new(header_rule(":path", "/a?x=1"), sent, versions, outcome)
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

#[test]
fn proxy_frames_bodies_as_decide_predicts() {
    const LENGTH: &str = "content-length";
    const CODING: &str = "transfer-encoding";
    let mut cases = vec![
        http1_case("x", &[(LENGTH, "0"), (LENGTH, "0")], Refused(400)),
        http1_case("x", &[(LENGTH, "0"), (LENGTH, "1")], Refused(400)),
        http1_case("x", &[(CODING, "chunked"), (LENGTH, "0")], Refused(400)),
        http1_case("x", &[(CODING, "gzip"), (LENGTH, "0")], Refused(400)),
        http1_case("x", &[(CODING, "chunked"), (LENGTH, "x")], Refused(400)),
        http1_case(
            "x",
            &[(CODING, "chunked"), (CODING, "chunked")],
            Refused(501),
        ),
        http1_case("x", &[(CODING, "gzip"), (CODING, "chunked")], Refused(501)),
        http1_case(
            "x",
            &[(CODING, "chunked"), ("connection", CODING), ("x", "1")],
            Denied,
        ),
        http1_case(LENGTH, &[(LENGTH, "0"), ("connection", LENGTH)], Passes),
        both_versions_case(LENGTH, &[(LENGTH, "0")], Denied),
        both_versions_case(LENGTH, &[(LENGTH, "00")], Denied),
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
        cases.push(http1_case("x", &[(LENGTH, length)], Refused(400)));
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
        cases.push(http1_case("x", &[(CODING, coding)], Refused(501)));
    }
    for coding in ["Chunked", " chunked "] {
        cases.push(http1_case("x", &[(CODING, coding), ("x", "1")], Denied));
    }
    check(&cases);
}

#[test]
fn methods_are_case_sensitive() {
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
fn rules_see_the_server_name_that_decide_predicts() {
    let rules = [(
        "sni".to_owned(),
        "when: [{key: connection.sni, values: [web.shop]}]".to_owned(),
    )];
    let documents = documents(&rules.into(), "1.29");
    let sidecar = Sidecar::start(&parse_policies(&documents), &json!({}));
    for (server_name, expected) in [
        ("web.shop", Denied),
        ("Web.SHOP", Denied),
        ("web.shops", Passes),
    ] {
        let mut question = Sent::default().question("sni", Web, Http2);
        question["serverName"] = json!(server_name);
        let answers = decided::decide(&documents, [question].into_iter());
        assert_eq!(Outcome::from_answer(&answers[0]), expected, "{server_name}");
        let actual = sidecar.outcome_at_server_name("sni", server_name);
        assert_eq!(actual, expected, "{server_name}");
    }
}
