use super::*;

const FRONTEND: &str = "spiffe://cluster.local/ns/shop/sa/frontend";

fn decide(more: &[&str]) -> Run {
    let args = [
        "decide",
        "-f",
        POLICIES,
        "--workload",
        "shop/cart",
        "--at",
        NOW,
    ];
    run(&[&args, more].concat())
}

fn ask(principal: &str, method: &str, path: &str) -> Run {
    decide(&["--principal", principal, "--method", method, "--path", path])
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
        "--anonymous",
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
        "--workload",
        "payments/ledger",
        "--at",
        NOW,
    ];
    let more = ["--principal", FRONTEND, "--method", "GET", "--path", "/"];
    let run = run(&[&args[..], &more].concat());
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(run.stdout);
}

#[test]
fn takes_any_principal_for_a_question() {
    for (principal, reason) in [
        ("frontend", "malformed-identity"),
        (
            "spiffe://elsewhere.example/ns/shop/sa/frontend",
            "foreign-trust-domain",
        ),
        ("spiffe://old.example.com/ns/search/sa/x", "no-rule-matched"),
    ] {
        let run = ask(principal, "POST", "/cart");
        assert_eq!(run.status, 2, "{principal}");
        assert!(run.stdout.contains(reason), "{principal}: {}", run.stdout);
    }
}

#[test]
fn reads_the_rest_of_the_request() {
    let more = ["--principal", FRONTEND, "--method", "PUT", "--path", "/x"];
    assert_eq!(decide(&more).status, 2);
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
    let more = ["--anonymous", "--method", "GET", "--path", "/status"];
    assert_eq!(run(&[&args[..], &more].concat()).status, 0);
}

#[test]
fn refuses_unusable_arguments() {
    let question = ["--anonymous", "--method", "GET", "--path", "/"];
    for more in [
        &["--at", "tomorrow"][..],
        &["--workload", "cart"],
        &["--header", "x-a"],
        &["--header", "x a=b"],
        &["--port", "70000"],
        &["--principal", FRONTEND],
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
        run(&["decide", "-f", POLICIES, "--at", NOW, "--anonymous"]).status,
        3
    );
    let unknown = [
        &["decide", "-f", POLICIES, "--at", NOW, "--workload", "a/b"],
        &question[..],
    ];
    assert_eq!(run(&unknown.concat()).status, 3);
}

#[test]
fn answers_each_request_on_a_line() {
    let run = requests(&format!(
        r#"{{"workload":"shop/cart","principal":"{FRONTEND}","method":"GET","path":"\/cart"}}

{{"workload":"payments/ledger","anonymous":true,"method":"GET","path":"/","headers":{{"a":"b"}}}}
{{"workload":"shop/cart","principal":"spiffe://cluster.local/ns/sales/sa/x","method":"GET","path":"/","at":"2026-11-28T00:00:00Z"}}
{{"workload":"shop/cart","principal":"spiffe://cluster.local/ns/sales/sa/x","method":"GET","path":"/","at":"2026-12-02T00:00:00Z"}}"#
    ));
    assert_eq!((run.status, run.stderr.as_str()), (2, ""));
    insta::assert_snapshot!(run.stdout);
}

#[test]
fn ends_with_success_when_all_requests_pass() {
    let run =
        requests(r#"{"workload":"shop/cart","anonymous":true,"method":"GET","path":"/status"}"#);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
}

#[test]
fn stops_at_the_first_line_that_is_no_request() {
    let sound = r#"{"workload":"shop/cart","anonymous":true,"method":"GET","path":"/status"}"#;
    for (faulty, message) in [
        ("{", "<stdin>:3:1: EOF while parsing an object"),
        (
            r#"{"method":1}"#,
            "<stdin>:3:11: invalid type: integer `1`, expected a string",
        ),
        (
            r#"{"anonymous":true,"path":"/","method":"GET","query":""}"#,
            "<stdin>:3:51: unknown field `query`",
        ),
        (
            r#"{"workload":"shop/cart","path":"/","method":"GET"}"#,
            "either `principal` or `\"anonymous\": true` is required",
        ),
        (
            r#"{"workload":"shop/cart","principal":"x","anonymous":true,"path":"/","method":"GET"}"#,
            "`principal` and `anonymous` exclude each other",
        ),
        (
            r#"{"workload":"shop/card","anonymous":true,"path":"/","method":"GET"}"#,
            "there is no policy `shop/card`",
        ),
        (
            r#"{"anonymous":true,"path":"/","method":"GET"}"#,
            "`workload` is required, since there is not exactly one policy",
        ),
        (
            r#"{"workload":"shop/cart","anonymous":true,"path":"/","method":"GET","at":"now"}"#,
            "`now` is not a UTC time in the form",
        ),
    ] {
        let run = requests(&format!("{sound}\n{sound}\n{faulty}\n{sound}\n"));
        assert_eq!(run.status, 3, "{faulty}");
        assert_eq!(run.stdout.lines().count(), 2, "{faulty}");
        assert!(run.stderr.contains("error: <stdin>:3:"), "{}", run.stderr);
        assert!(run.stderr.contains(message), "{}", run.stderr);
    }
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
        let request =
            r#"{"workload":"shop/cart","anonymous":true,"method":"GET","path":"/status"}"#;
        writeln!(stdin, "{request}").unwrap();
        let mut answer = String::new();
        stdout.read_line(&mut answer).unwrap();
        assert!(answer.contains("allowed-by-rule"), "{answer}");
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}
