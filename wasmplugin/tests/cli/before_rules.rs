//! `peergate decide`: headers and connections that a proxy changes or refuses before rules see a request.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

const POLICY: &str = "\
apiVersion: peergate.dev/v1alpha1
kind: ServicePolicy
metadata: {name: cart, namespace: shop}
spec:
  selector: {matchLabels: {app: cart}}
  rules:
    - {id: all, effect: Allow}
";

fn documents(mtls: &str, more: &str) -> TempDir {
    let mesh = format!(
        "apiVersion: peergate.dev/v1alpha1\nkind: Mesh\nmetadata: {{name: m}}\nspec:\n  trustDomain: cluster.local\n  \
         istioVersion: \"1.30\"\n{mtls}"
    );
    folder(&[
        ("p/mesh.yaml", &*mesh),
        ("p/cart.yaml", &format!("{POLICY}{more}")),
    ])
}

/// The answer to a line, with these fields beside a usual question.
fn answer(documents: &TempDir, fields: &Value) -> Value {
    let mut line = json!({"from": "shop/web", "method": "GET", "path": "/", "host": "cart.shop"});
    let line_fields = line.as_object_mut().unwrap();
    for (name, value) in fields.as_object().unwrap() {
        if value.is_null() {
            line_fields.remove(name);
        } else {
            line_fields.insert(name.clone(), value.clone());
        }
    }
    let args = ["decide", "-f", "p", "--at", NOW, "--requests", "-"];
    let mut command = command(&args);
    command.current_dir(documents.path());
    let run = finish(command, &line.to_string());
    serde_json::from_str(&run.stdout).unwrap()
}

fn outcome(answer: &Value) -> &str {
    answer["decision"].as_str().unwrap_or("error")
}

fn denies(header: &str, values: &str) -> String {
    format!(
        "    - {{id: no, effect: Deny, when: [{{key: \"request.headers[{header}]\", values: [\"{values}\"]}}]}}\n"
    )
}

#[test]
fn a_header_that_proxies_set_is_asked_for_where_it_decides() {
    for header in [
        "x-forwarded-proto",
        "X-Request-Id",
        "x-forwarded-for",
        "x-forwarded-client-cert",
        ":scheme",
        "x-envoy-attempt-count",
        "x-envoy-internal",
    ] {
        let documents = documents("", &denies(header, "h*"));
        let name = header.to_ascii_lowercase();
        let asked = answer(&documents, &json!({}));
        let error = asked["error"].as_str().unwrap_or_default();
        assert!(
            error.contains(&format!(
                "rule `no` depends on the header `{name}`, which proxies set"
            )),
            "{asked}"
        );
        for (value, decision) in [
            (json!("https"), "deny"),
            (json!("other"), "allow"),
            // Proxies set these in every request.
            (
                json!([]),
                if [":scheme", "x-forwarded-proto"].contains(&header) {
                    "error"
                } else {
                    "allow"
                },
            ),
        ] {
            let given = answer(&documents, &json!({"headers": {header: value}}));
            assert_eq!(outcome(&given), decision, "{header} {value}: {given}");
        }
        // Denied whatever it is.
        let foreign = answer(&documents, &json!({"from": "spiffe://other/ns/a/sa/b"}));
        assert_eq!(outcome(&foreign), "deny", "{foreign}");
    }
    let documents = documents("", &denies("x-forwarded-proto", "http*"));
    let ask = |more: &[&str]| {
        let args = [
            "decide", "-f", "p", "--from", "shop/web", "--method", "GET", "--path", "/", "--at",
            NOW,
        ];
        let mut command = command(&[&args[..], more].concat());
        command.current_dir(documents.path());
        finish(command, "")
    };
    let asked = ask(&[]).stderr;
    let error = asked.split_once("\n\n").map(|(_, error)| error);
    insta::assert_snapshot!(error.unwrap(), @"
    error: the answer depends on an omitted attribute: rule `no` depends on the header `x-forwarded-proto`, which proxies set
     |
     = help: add `--header x-forwarded-proto=VALUE` as the filter sees it
    ");
    assert_eq!(ask(&["--header", "x-forwarded-proto=http"]).status, 2);
    for name in ["X-Forwarded-Proto", ":scheme"] {
        let refused = ask(&["--without-header", name]);
        assert_eq!(refused.status, 3);
        assert!(
            refused.stderr.contains("on every request"),
            "{}",
            refused.stderr
        );
    }
    assert_eq!(ask(&["--header", "x-forwarded-proto=other"]).status, 0);
}

#[test]
fn headers_that_proxies_remove_are_absent_and_the_answer_says_so() {
    for (header, value) in [
        ("connection", "keep-alive"),
        ("keep-alive", "1"),
        ("proxy-connection", "close"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "websocket"),
        ("te", "gzip"),
        ("x-envoy-retry-on", "5xx"),
    ] {
        let documents = documents("", &denies(header, "*"));
        let answer = answer(&documents, &json!({"headers": {header: value}}));
        assert_eq!(outcome(&answer), "allow", "{header}: {answer}");
        let note = format!("rules do not see the header `{header}`");
        assert!(answer["notes"].to_string().contains(&note), "{answer}");
    }
    let upgrade = json!({"headers": {"connection": "Upgrade", "upgrade": "websocket"}});
    for header in ["connection", "upgrade"] {
        let documents = documents("", &denies(header, "*"));
        assert_eq!(outcome(&answer(&documents, &upgrade)), "deny", "{header}");
    }
}

#[test]
fn conditions_on_the_path_header_see_the_query() {
    let documents = documents("", &denies(":path", "/a?x"));
    for (path, decision) in [
        ("/a", "allow"),
        ("/a?x", "deny"),
        ("/b/../a?x#y", "deny"),
        ("/a#?x", "allow"),
        ("/a?x?", "allow"),
    ] {
        let answer = answer(&documents, &json!({"path": path}));
        assert_eq!(outcome(&answer), decision, "{path}: {answer}");
        assert_eq!(answer["path"], "/a", "{path}");
    }
}

#[test]
fn server_names_are_in_lower_case() {
    let rule = "    - {id: no, effect: Deny, when: [{key: connection.sni, values: [evil.shop]}]}\n";
    let documents = documents("", rule);
    for (name, decision) in [
        ("evil.shop", "deny"),
        ("Evil.Shop", "deny"),
        ("good.shop", "allow"),
    ] {
        let answer = answer(&documents, &json!({"serverName": name}));
        assert_eq!(outcome(&answer), decision, "{name}");
    }
}

#[test]
fn proxies_of_istio_let_no_connect_pass() {
    let rule = "    - {id: no, effect: Deny, to: [{methods: [CONNECT], hosts: [b]}]}\n";
    let documents = documents("", rule);
    let denied = json!({"method": "CONNECT", "path": null, "host": "b"});
    let denied = answer(&documents, &denied);
    assert_eq!((outcome(&denied), &denied["rule"]), ("deny", &json!("no")));
    for (path, reason) in [(Value::Null, "answers 404"), (json!("/x"), "extended")] {
        let answer = answer(&documents, &json!({"method": "CONNECT", "path": path}));
        assert_eq!(outcome(&answer), "refused");
        assert!(
            answer["explanation"].to_string().contains(reason),
            "{answer}"
        );
    }
    for more in [&[][..], &["--path", "/x"]] {
        let args = [
            "decide", "-f", "p", "--from", "shop/web", "--method", "CONNECT", "--host", "a:80",
            "--at", NOW,
        ];
        let mut command = command(&[&args[..], more].concat());
        command.current_dir(documents.path());
        assert_eq!(finish(command, "").status, 2);
    }
}

#[test]
fn what_envoy_answers_itself_is_refused_with_its_status() {
    let documents = documents("", "");
    for host in [
        "a#b", "a?b", "a\\b", "é.shop", "a, b", "a b", "a|b", "a/b", "a\"b", "a\u{1}",
    ] {
        let answer = answer(&documents, &json!({"host": host}));
        assert_eq!(outcome(&answer), "refused", "{host}: {answer}");
        assert_eq!(answer["reason"], "refused-by-proxy");
        assert!(answer["explanation"].to_string().contains("400"));
    }
    for host in ["", "a,b", "a%2eb", "a;b", "a@b", "[::1]:80", "a:"] {
        let answer = answer(&documents, &json!({"host": host}));
        assert_eq!(outcome(&answer), "allow", "{host}: {answer}");
    }
    for (headers, status) in [
        (json!({"x": "a\u{1}"}), "400"),
        (json!({"x": "a\u{7f}"}), "400"),
        (json!({"connection": "x-forwarded-for"}), "400"),
        (json!({"connection": "upgrade", "upgrade": "other"}), "403"),
    ] {
        let answer = answer(&documents, &json!({"headers": headers}));
        assert_eq!(outcome(&answer), "refused", "{headers}: {answer}");
        assert!(answer["explanation"].to_string().contains(status));
    }
    let broken = answer(&documents, &json!({"headers": {"x": "a\r\nb: c"}}));
    assert!(broken["error"].to_string().contains("line break"));
    for (fields, note) in [
        (json!({"path": "/é"}), "this path over HTTP/1.1"),
        (json!({"path": "/?é"}), "this path over HTTP/1.1"),
        (json!({"method": "X-CUSTOM"}), "this method over HTTP/1.1"),
        (json!({"host": "a@b"}), "this host over HTTP/2"),
    ] {
        let answer = answer(&documents, &fields);
        assert!(answer["notes"].to_string().contains(note), "{answer}");
    }
}

const EXCEPTION: &str = "  mtls:
    mode: Strict
    exceptions:
      - {name: old, namespace: shop, owner: o, notAfter: \"2100-01-01T00:00:00Z\"";

#[test]
fn a_strict_sidecar_refuses_connections_without_mutual_tls() {
    let gateway = "  gateways:\n    - {name: edge, namespace: shop, selector: {matchLabels: {app: cart}}, serviceAccount: \
                   edge, servers: [{hosts: [a.example.com], tls: {secret: s}}]}\n";
    let strict = "  mtls: {mode: Strict}\n".to_owned();
    for (mtls, port, is_refused, note) in [
        ("  mtls: {mode: Permissive}\n".to_owned(), 80, false, ""),
        (String::new(), 80, false, "does not set `mtls.mode`"),
        (strict.clone(), 80, true, ""),
        (format!("{EXCEPTION}}}\n"), 80, false, ""),
        (
            format!("{EXCEPTION}, selector: {{matchLabels: {{app: cart}}}}, ports: [80]}}\n"),
            80,
            false,
            "",
        ),
        (
            format!("{EXCEPTION}, selector: {{matchLabels: {{app: cart}}}}, ports: [80]}}\n"),
            81,
            true,
            "",
        ),
        (
            format!("{EXCEPTION}, selector: {{matchLabels: {{app: other}}}}}}\n"),
            80,
            true,
            "",
        ),
        (
            format!("{EXCEPTION}, selector: {{matchLabels: {{app: cart, track: old}}}}}}\n"),
            80,
            false,
            "whether the exception `old` applies to the workload",
        ),
        (format!("{strict}{gateway}"), 80, false, ""),
    ] {
        let documents = documents(&mtls, "");
        for question in [
            json!({"from": "anonymous", "port": port}),
            json!({"from": "anonymous", "port": port, "tcp": true, "method": null, "path": null, "host": null}),
        ] {
            let answer = answer(&documents, &question);
            assert_ne!(outcome(&answer), "error", "{mtls}: {answer}");
            assert_eq!(
                outcome(&answer) == "refused",
                is_refused,
                "{mtls}: {answer}"
            );
            assert!(
                answer["notes"].to_string().contains(note),
                "{mtls}: {answer}"
            );
        }
        // The gateway asks for no certificate.
        if !mtls.contains("gateways") {
            let web = answer(&documents, &json!({"port": port}));
            assert_eq!(outcome(&web), "allow", "{mtls}: {web}");
        }
    }
    let by_port = format!("{EXCEPTION}, selector: {{matchLabels: {{app: cart}}}}, ports: [80]}}\n");
    let asked = answer(&documents(&by_port, ""), &json!({"from": "anonymous"}));
    assert!(asked["error"].to_string().contains("add `port`"), "{asked}");
    let plaintext = documents(&format!("{EXCEPTION}, mode: Disable}}\n"), "");
    let web = answer(&plaintext, &json!({}));
    assert_eq!(outcome(&web), "refused");
    assert!(web["explanation"].to_string().contains("use `anonymous`"));
}

#[test]
fn a_waypoint_takes_no_caller_without_a_certificate() {
    const MIXED: &str = "[{kind: Service, name: cart}, {group: gateway.networking.k8s.io, kind: Gateway, name: edge}]";
    let excepted = format!("{EXCEPTION}}}\n");
    let permissive = "  mtls: {mode: Permissive}\n";
    for (targets, mtls, is_refused) in [
        ("[{kind: Service, name: cart}]", "", true),
        ("[{kind: Service, name: cart}]", permissive, true),
        ("[{kind: Service, name: cart}]", &excepted, true),
        (
            "[{group: networking.istio.io, kind: ServiceEntry, name: cart}]",
            &excepted,
            true,
        ),
        (
            "[{group: gateway.networking.k8s.io, kind: Gateway, name: edge}]",
            &excepted,
            false,
        ),
        (MIXED, &excepted, false),
    ] {
        let documents = documents(mtls, "");
        let file = documents.path().join("p/cart.yaml");
        let policy = POLICY.replace(
            "selector: {matchLabels: {app: cart}}",
            &format!("targetRefs: {targets}"),
        );
        std::fs::write(file, policy).unwrap();
        let anonymous = answer(&documents, &json!({"from": "anonymous"}));
        assert_eq!(
            outcome(&anonymous) == "refused",
            is_refused,
            "{targets} {mtls}: {anonymous}"
        );
        let explanation = anonymous["explanation"].to_string();
        assert_eq!(
            explanation.contains("the waypoint only accepts"),
            is_refused,
            "{anonymous}"
        );
        assert!(!explanation.contains("sidecar"), "{anonymous}");
        let web = answer(&documents, &json!({}));
        assert_eq!(outcome(&web), "allow", "{targets} {mtls}: {web}");
    }
}

#[test]
fn an_unknown_reason_is_refused_at_its_line() {
    let answer = answer(&documents("", ""), &json!({"reason": "denied"}));
    let error = answer["error"].as_str().unwrap();
    assert!(error.starts_with("unknown reason `denied`"), "{error}");
    assert!(error.contains("refused-by-proxy"));
}

/// An address in either form is the same client.
#[test]
fn mapped_addresses_are_in_blocks_of_both_forms() {
    for (block, address, is_denied) in [
        ("::/0", "::ffff:203.0.113.9", true),
        ("203.0.113.0/24", "::ffff:203.0.113.9", true),
        ("203.0.113.0/24", "203.0.113.9", true),
        ("::/0", "203.0.113.9", false),
    ] {
        let rule =
            format!("    - {{id: no, effect: Deny, from: [{{remoteIpBlocks: [\"{block}\"]}}]}}\n");
        let documents = documents("  mtls: {mode: Permissive}\n", &rule);
        let answer = answer(&documents, &json!({"remoteIp": address}));
        let expected = if is_denied { "deny" } else { "allow" };
        assert_eq!(outcome(&answer), expected, "{block} {address}: {answer}");
    }
}

/// Of several servers the one with the most specific host for the server name, or for the host, answers.
#[test]
fn a_gateway_asks_for_certificates_as_the_server_that_answers_does() {
    let gateways = "  gateways:\n    - name: edge\n      namespace: shop\n      selector: {matchLabels: {app: cart}}\n      \
                    serviceAccount: edge\n      servers:\n        - {hosts: [a.example.com, \"*.m.example.com\"], tls: {mode: Mutual, secret: a}}\n        \
                    - {hosts: [s.example.com, \"x.m.example.com\"], tls: {secret: s}}\n";
    let documents = documents(gateways, "");
    for (host, server_name, is_mutual) in [
        ("a.example.com", None, true),
        ("A.example.com:443", None, true),
        ("s.example.com", None, false),
        ("y.m.example.com", None, true),
        ("x.m.example.com", None, false),
        ("s.example.com", Some("a.example.com"), true),
        ("a.example.com", Some("s.example.com"), false),
    ] {
        let ask = |from: &str| {
            let mut question = json!({"from": from, "host": host});
            if let Some(name) = server_name {
                question["serverName"] = json!(name);
            }
            answer(&documents, &question)
        };
        let (anonymous, named) = (ask("anonymous"), ask("dns:a.b"));
        let refuses = outcome(&anonymous) == "refused";
        assert_eq!(refuses, is_mutual, "{host} {server_name:?}: {anonymous}");
        assert_eq!(
            outcome(&named) != "error",
            is_mutual,
            "{host} {server_name:?}: {named}"
        );
    }
}
