use serde_json::{Value, json};

use super::*;

const FRONTEND: &str = "spiffe://cluster.local/ns/shop/sa/frontend";

fn decide(more: &[&str]) -> Run {
    let args = ["decide", "-f", POLICIES, "--to", "shop/cart", "--at", NOW];
    run(&[&args, more].concat())
}

fn ask(principal: &str, method: &str, path: &str) -> Run {
    decide(&["--from", principal, "--method", method, "--path", path])
}

fn requests(lines: &str) -> Run {
    let args = ["decide", "-f", POLICIES, "--requests", "-", "--at", NOW];
    run_with(&args, lines)
}

#[test]
fn allows_a_request_that_a_rule_matches() {
    let run = ask(FRONTEND, "GET", "/cart?id=1");
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(run.stdout);
}

#[test]
fn denies_a_request_that_no_rule_matches() {
    let run = ask(FRONTEND, "GET", "/debug/heap");
    assert_eq!((run.status, run.stderr.as_str()), (2, ""));
    insta::assert_snapshot!(run.stdout);
}

#[test]
fn prints_the_answer_as_json() {
    let run = decide(&[
        "--from",
        "anonymous",
        "--method",
        "GET",
        "--path",
        "/cart",
        "--output",
        "json",
    ]);
    assert_eq!((run.status, run.stderr.as_str()), (2, ""));
    insta::assert_snapshot!(run.stdout);
}

#[test]
fn reports_what_shadow_rules_would_do() {
    let run = ask("spiffe://cluster.local/ns/quarantine/sa/x", "GET", "/cart");
    assert_eq!(run.status, 2);
    insta::assert_snapshot!(run.stdout);
}

#[test]
fn allows_requests_that_a_shadow_policy_would_deny() {
    let args = [
        "decide",
        "-f",
        POLICIES,
        "--to",
        "payments/ledger",
        "--at",
        NOW,
    ];
    let more = ["--from", FRONTEND, "--method", "GET", "--path", "/"];
    let run = run(&[&args[..], &more].concat());
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(run.stdout);
}

#[test]
fn accepts_every_form_of_caller() {
    for (caller, reason) in [
        ("shop/frontend", "allowed-by-rule"),
        ("cluster.local/ns/shop/sa/frontend", "allowed-by-rule"),
        (FRONTEND, "allowed-by-rule"),
        ("https://frontend.example", "malformed-identity"),
        (
            "spiffe://elsewhere.example/ns/shop/sa/frontend",
            "foreign-trust-domain",
        ),
        ("old.example.com/ns/search/sa/x", "no-rule-matched"),
        ("anonymous", "no-identity"),
    ] {
        let run = ask(caller, "GET", "/cart");
        assert!(run.stdout.contains(reason), "{caller}: {}", run.stdout);
        assert_eq!(run.status == 0, reason == "allowed-by-rule", "{caller}");
    }
}

#[test]
fn accepts_every_request_argument() {
    let more = ["--from", FRONTEND, "--method", "PUT", "--path", "/x"];
    assert_eq!(decide(&more).status, 3);
    let host = [
        "--host",
        "a.example.com",
        "--port",
        "8080",
        "--header",
        "x-a=b",
    ];
    assert_eq!(decide(&[&more[..], &host].concat()).status, 0);
}

#[test]
fn defaults_to_the_only_policy() {
    let args = [
        "decide",
        "-f",
        "policies/mesh.yaml",
        "-f",
        "policies/cart.yaml",
        "--at",
        NOW,
    ];
    let more = [
        "--from",
        "anonymous",
        "--method",
        "GET",
        "--path",
        "/status",
    ];
    assert_eq!(run(&[&args[..], &more].concat()).status, 0);
}

#[test]
fn refuses_unusable_arguments() {
    let question = ["--from", "anonymous", "--method", "GET", "--path", "/"];
    let at_now = ["--at", NOW];
    let without_time = run(&[
        &["decide", "-f", POLICIES, "--at", "tomorrow"],
        &question[..],
    ]
    .concat());
    assert_eq!(without_time.status, 3);
    assert!(without_time.stderr.starts_with("error: "));
    for more in [
        &["--to", "carts"][..],
        &["--header", "x-a"],
        &["--header", "x a=b"],
        &["--header", "host=cart.shop"],
        &["--port", "0"],
        &["--tcp"],
        &["--port", "70000"],
        &["--to", "http://cart.shop"],
        &["--requests", "-"],
        &["--nonsense"],
    ] {
        let run = run(&[&["decide", "-f", POLICIES], &question[..], &at_now, more].concat());
        assert_eq!((run.status, run.stdout.as_str()), (3, ""), "{more:?}");
        assert!(
            run.stderr.starts_with("error: "),
            "{more:?}: {}",
            run.stderr
        );
    }
    assert_eq!(
        run(&["decide", "-f", POLICIES, "--at", NOW, "--from", "anonymous"]).status,
        3
    );
    let unknown = [
        &["decide", "-f", POLICIES, "--at", NOW, "--to", "a/b"],
        &question[..],
    ];
    assert_eq!(run(&unknown.concat()).status, 3);
}

#[test]
fn answers_every_request_on_its_own_line() {
    let run = requests(&format!(
        r#"{{"to":"shop/cart","from":"{FRONTEND}","method":"GET","path":"\/cart"}}

{{"to":"payments/ledger","from":"anonymous","method":"GET","path":"/","headers":{{"a":"b"}}}}
{{"to":"shop/cart","from":"spiffe://cluster.local/ns/sales/sa/x","method":"GET","path":"/","at":"2026-11-28T00:00:00Z"}}
{{"to":"shop/cart","from":"spiffe://cluster.local/ns/sales/sa/x","method":"GET","path":"/","at":"2026-12-02T00:00:00Z"}}"#
    ));
    assert_eq!((run.status, run.stderr.as_str()), (2, ""));
    insta::assert_snapshot!(run.stdout);
}

#[test]
fn exits_with_0_if_every_request_is_allowed() {
    let run = requests(r#"{"to":"shop/cart","from":"anonymous","method":"GET","path":"/status"}"#);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
}

#[test]
fn reports_invalid_lines_and_answers_the_others() {
    let sound = r#"{"to":"shop/cart","from":"anonymous","method":"GET","path":"/status"}"#;
    let with = |more: &str| sound.replace('}', more);
    let faulty = [
        ("{".to_owned(), "not a JSON object"),
        ("[]".to_owned(), "expected a JSON object"),
        (r#"{"method":1}"#.to_owned(), "`method` must be a string"),
        (
            with(r#","query":""}"#),
            "unknown field `query`; the fields are from, to,",
        ),
        (
            with(r#","port":70000}"#),
            "`port` must be a number from 0 to 65535",
        ),
        (
            with(r#","sourceIp":"here"}"#),
            "`sourceIp` must be an IP address",
        ),
        (with(r#","path":"/"}"#), "a field is duplicated"),
        (
            sound.replace(r#""from":"anonymous","#, ""),
            "`from` is missing",
        ),
        (
            sound.replace("anonymous", "frontend"),
            "write the service account as `NAMESPACE/frontend`",
        ),
        (
            sound.replace("GET", "G T"),
            "`method`: write an HTTP method, such as `GET`",
        ),
        (
            sound.replace("/status", "status"),
            "`path`: a path starts with `/`: write `/status`",
        ),
        (
            sound.replace("shop/cart", "shop/card"),
            "unknown policy `shop/card`; did you mean `shop/cart`?",
        ),
        (sound.replace(r#""to":"shop/cart","#, ""), "`to` is missing"),
        (
            with(r#","at":"now"}"#),
            "`at`: `now` is not a UTC time in the form",
        ),
        (
            with(r#","expect":"yes"}"#),
            "`expect` must be `allow`, `deny` or `refused`, not `yes`",
        ),
        (with(r#","tcp":true}"#), "has no method, path"),
    ];
    let lines: Vec<_> = faulty.iter().map(|(line, _)| line.as_str()).collect();
    let run = requests(&format!("{sound}\n{}\n{sound}\n", lines.join("\n")));
    assert_eq!(run.status, 3, "{}", run.stderr);
    let answers: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(answers.len(), faulty.len() + 2);
    for (number, (line, message)) in (2..).zip(&faulty) {
        let place = format!("error: <stdin>:{number}:");
        assert!(run.stderr.contains(&place), "{}", run.stderr);
        assert!(run.stderr.contains(message), "{line}: {}", run.stderr);
        let answer: Value = serde_json::from_str(answers.get(number - 1).unwrap()).unwrap();
        assert_eq!(answer["line"], number);
        assert!(
            answer["error"].as_str().unwrap().contains(message),
            "{answer}"
        );
    }
    assert!(answers.last().unwrap().contains("allowed-by-rule"));
}

#[test]
fn prints_every_answer_on_the_line_of_its_request() {
    let sound = r#"{"to":"shop/cart","from":"anonymous","method":"GET","path":"/status"}"#;
    let run = requests(&format!("\n{sound}\n\n{sound}"));
    let lines: Vec<_> = run
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or(Value::Null)["line"].clone())
        .collect();
    assert_eq!(lines, [json!(null), json!(2), json!(null), json!(4)]);
}

#[test]
fn decisions_of_the_example_are_as_expected() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/online-boutique");
    let decisions = format!("{example}/decisions.ndjson");
    let args = ["decide", "-f", example, "--requests", &decisions];
    let run = run(&[&args[..], &["--at", NOW]].concat());
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(run.stderr.contains("0 not as expected"), "{}", run.stderr);
    assert!(run.stdout.contains(r#""decision":"deny""#));
}

#[test]
fn reports_an_unexpected_answer() {
    let line = r#"{"to":"shop/cart","from":"anonymous","method":"GET","path":"/status","#;
    let run = requests(&format!(
        r#"{line}"expect":"allow","rule":"status"}}
{line}"expect":"deny","reason":"no-identity","rule":"reads"}}
{{"to":"shop/cart","from":"anonymous","method":"GET","path":"/cart"}}
"#
    ));
    assert_eq!(run.status, 2);
    assert_eq!(
        run.stderr,
        "error: <stdin>:2: expected `deny`, got `allow`\n\
         error: <stdin>:2: expected the reason `no-identity`, got `allowed-by-rule`\n\
         error: <stdin>:2: expected the rule `reads`, got `status`\n\
         2 expectations, 1 not as expected\n"
    );
}

#[test]
fn answers_each_line_immediately() {
    use std::io::{BufRead, BufReader};

    let args = ["decide", "-f", POLICIES, "--requests", "-", "--at", NOW];
    let mut child = command(&args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    for _ in 0..3 {
        let request = r#"{"to":"shop/cart","from":"anonymous","method":"GET","path":"/status"}"#;
        writeln!(stdin, "{request}").unwrap();
        let mut answer = String::new();
        stdout.read_line(&mut answer).unwrap();
        assert!(answer.contains("allowed-by-rule"), "{answer}");
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}
