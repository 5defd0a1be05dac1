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
fn allows() {
    let run = ask(FRONTEND, "GET", "/cart?id=1");
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(run.stdout);
}

#[test]
fn denies() {
    let run = ask(FRONTEND, "GET", "/debug/heap");
    assert_eq!((run.status, run.stderr.as_str()), (2, ""));
    insta::assert_snapshot!(run.stdout);
}

#[test]
fn answers_as_json() {
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
fn tells_what_rules_in_shadow_would_do() {
    let run = ask("spiffe://cluster.local/ns/quarantine/sa/x", "GET", "/cart");
    assert_eq!(run.status, 2);
    insta::assert_snapshot!(run.stdout);
}

#[test]
fn lets_pass_what_a_policy_in_shadow_would_deny() {
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
fn takes_callers_in_each_form() {
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
fn reads_the_rest_of_the_request() {
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
fn needs_no_name_for_the_only_policy() {
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
    for more in [
        &["--at", "tomorrow"][..],
        &["--to", "carts"],
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
        let run = run(&[&["decide", "-f", POLICIES], &question[..], more].concat());
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
fn answers_each_request_on_a_line() {
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
fn ends_with_success_when_all_requests_pass() {
    let run = requests(r#"{"to":"shop/cart","from":"anonymous","method":"GET","path":"/status"}"#);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
}

#[test]
fn says_what_is_wrong_with_each_line_and_answers_the_others() {
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
fn answers_stand_on_the_lines_of_their_requests() {
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
fn the_examples_decisions_are_as_they_expect() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/online-boutique");
    let decisions = format!("{example}/decisions.ndjson");
    let args = ["decide", "-f", example, "--requests", &decisions];
    let run = run(&[&args[..], &["--at", NOW]].concat());
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(run.stderr.contains("0 not as expected"), "{}", run.stderr);
    assert!(run.stdout.contains(r#""decision":"deny""#));
}

#[test]
fn an_answer_that_is_not_as_its_line_expects_is_reported() {
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
fn answers_as_soon_as_it_is_asked() {
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
