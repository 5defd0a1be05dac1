use serde_json::{Value, json};

use super::*;

mod covered;
mod files;
mod formats;
mod put_aside;
mod templates;

const FRONTEND: &str = "spiffe://cluster.local/ns/shop/sa/frontend";

/// A line of an access log, in the minute of an hour.
fn line(minute: u32, peer: Option<&str>, method: &str, path: &str) -> Value {
    json!({
        "start_time": format!("2026-05-01T10:{minute:02}:00.123Z"),
        "method": method,
        "path": path,
        "authority": "cart.shop",
        "response_code": 200,
        "response_code_details": "via_upstream",
        "peer": peer,
        "peergate_policy": "shop/cart",
    })
}

/// The line with another value of a field.
fn with(mut line: Value, field: &str, value: Value) -> Value {
    line.as_object_mut()
        .unwrap()
        .insert(field.to_owned(), value);
    line
}

fn log(lines: &[Value]) -> String {
    let lines: Vec<_> = lines.iter().map(Value::to_string).collect();
    lines.join("\n")
}

/// A log of an hour: what is done all the time, and what is done once.
fn hour() -> Vec<Value> {
    let mut lines = Vec::new();
    for minute in 0..60 {
        let path = format!("/orders/{}?token=secret", 1000 + minute % 7);
        lines.push(line(minute, Some(FRONTEND), "GET", &path));
        lines.push(line(minute, Some(FRONTEND), "POST", "/orders"));
        lines.push(line(
            minute,
            Some("spiffe://cluster.local/vm/db-1"),
            "GET",
            "/orders",
        ));
        lines.push(line(minute, None, "GET", "/orders"));
    }
    let foreign = "spiffe://elsewhere.example/ns/shop/sa/x";
    lines.push(line(7, Some(FRONTEND), "DELETE", "/orders"));
    lines.push(line(8, Some(foreign), "GET", "/orders"));
    lines.push(line(9, Some("nobody"), "GET", "/orders"));
    let denied = line(10, Some(FRONTEND), "PUT", "/orders");
    let why = json!("peergate_denied[no-rule-matched]");
    lines.push(with(denied, "response_code_details", why));
    let failed = line(11, Some(FRONTEND), "GET", "/nothing");
    lines.push(with(failed, "response_code", json!(404)));
    lines
}

fn learn(log: &str, more: &[&str]) -> Run {
    let args = ["learn", "--access-log", "-", "--at", NOW];
    run_with(&[&args, more].concat(), log)
}

const DOMAIN: [&str; 2] = ["--trust-domain", "cluster.local"];

/// A policy `shop/NAME` up to its rules.
fn head(name: &str) -> String {
    format!(
        "apiVersion: peergate.dev/v1alpha1\nkind: ServicePolicy\nmetadata:\n  name: {name}\n  namespace: shop\nspec:\n  selector:\n    matchLabels:\n      app: {name}\n"
    )
}

#[test]
fn proposes_a_policy_and_says_what_is_left_out() {
    let run = learn(&log(&hour()), &DOMAIN);
    assert_eq!(run.status, 0, "{}", run.stderr);
    insta::assert_snapshot!("a_new_policy", run.stdout);
    insta::assert_snapshot!("a_new_policy_report", run.stderr);
}

#[test]
fn what_is_proposed_is_accepted_beside_the_mesh() {
    let folder = folder(&[("mesh.yaml", MESH)]);
    let out = folder.path().join("learnt.yaml");
    let mesh = folder.path().join("mesh.yaml");
    let run = learn(&log(&hour()), &["-f", text(&mesh), "--out", text(&out)]);
    assert_eq!((run.status, run.stdout.as_str()), (0, ""), "{}", run.stderr);
    let validated = super::run(&["validate", "-f", text(folder.path()), "--at", NOW]);
    assert_eq!(validated.status, 0, "{}", validated.stderr);
}

#[test]
fn rules_are_put_behind_those_of_a_policy_in_shadow() {
    let cart = format!("# The carts.\n{CART}");
    let folder = folder(&[("mesh.yaml", MESH), ("cart.yaml", &cart)]);
    let out = folder.path().join("cart.yaml");
    let policies = text(folder.path());
    let run = learn(&log(&hour()), &["-f", policies, "--out", text(&out)]);
    assert_eq!(run.status, 1, "{}", run.stderr);
    assert!(run.stderr.contains("already exists"), "{}", run.stderr);
    let args = ["-f", policies, "--out", text(&out), "--force"];
    let run = learn(&log(&hour()), &args);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let updated = std::fs::read_to_string(&out).unwrap();
    let added = updated.strip_prefix(&cart).unwrap();
    insta::assert_snapshot!("rules_added_to_a_policy", added);
    // What the rules in shadow take is known from then on.
    let again = learn(&log(&hour()), &["-f", policies]);
    assert_eq!((again.status, again.stdout.as_str()), (2, ""));
    assert!(
        again
            .stderr
            .contains("180 requests that shadow rules would allow"),
        "{}",
        again.stderr
    );
    let validated = super::run(&["validate", "-f", policies, "--at", NOW]);
    assert_eq!(validated.status, 0, "{}", validated.stderr);
}

#[test]
fn long_paths_are_shown_shortened() {
    let mut lines = hour();
    lines.push(line(
        5,
        Some(FRONTEND),
        "GET",
        &format!("/{}", "a".repeat(1_000)),
    ));
    lines.push(line(
        6,
        Some(FRONTEND),
        "GET",
        &format!("/{}*", "b".repeat(9_000)),
    ));
    lines.push(line(
        7,
        Some(FRONTEND),
        "GET",
        &format!("/{}", "c".repeat(9_000)),
    ));
    let run = learn(&log(&lines), &DOMAIN);
    for text in [&run.stdout, &run.stderr] {
        let longest = text.lines().map(str::len).max();
        assert!(longest < Some(600), "{longest:?}: {text}");
    }
}

#[test]
fn enforces_and_takes_rare_and_denied_requests_when_told_to() {
    let more = [
        "--enforce",
        "--include-rare",
        "--include-denied",
        "--include-anonymous",
    ];
    let run = learn(&log(&hour()), &[&DOMAIN[..], &more].concat());
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(!run.stdout.contains("Shadow"), "{}", run.stdout);
    assert!(!run.stdout.contains("# Rare"), "{}", run.stdout);
    for learnt in ["DELETE", "PUT", "anonymous: true"] {
        assert!(run.stdout.contains(learnt), "{learnt}: {}", run.stdout);
    }
    for stranger in ["elsewhere", "nobody", "/nothing", "secret"] {
        assert!(!run.stdout.contains(stranger), "{stranger}: {}", run.stdout);
    }
}

#[test]
fn counts_every_answer_below_a_status() {
    let mut lines = hour();
    for minute in [0, 30, 59] {
        let mut missing = line(minute, Some(FRONTEND), "GET", "/maybe");
        missing["response_code"] = json!(404);
        lines.push(missing);
    }
    let run = learn(&log(&lines), &DOMAIN);
    assert!(!run.stdout.contains("/maybe"), "{}", run.stdout);
    let run = learn(
        &log(&lines),
        &[&DOMAIN[..], &["--status-below", "500"]].concat(),
    );
    assert!(run.stdout.contains("/maybe"), "{}", run.stdout);
}

#[test]
fn answers_programs_as_json() {
    let run = learn(
        &log(&hour()),
        &[&DOMAIN[..], &["--output", "json"]].concat(),
    );
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let policy = &report["policies"][0];
    assert_eq!(policy["policy"], "shop/cart");
    let learnt = policy["learnt"].as_array().unwrap().iter();
    let learnt: Vec<_> = learnt
        .map(|call| {
            (
                call["method"].as_str().unwrap(),
                call["path"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        learnt,
        [
            ("GET", "/orders/{*}"),
            ("POST", "/orders"),
            ("GET", "/orders")
        ]
    );
    assert_eq!(policy["learnt"][0]["ids"][0]["distinct"], 7);
    assert_eq!(policy["rare"][0]["method"], "DELETE");
    let aside: Vec<_> = policy["setAside"]
        .as_array()
        .unwrap()
        .iter()
        .map(|aside| aside["because"].as_str().unwrap())
        .collect();
    assert_eq!(
        aside,
        [
            "no-identity",
            "malformed-identity",
            "foreign-trust-domain",
            "denied",
            "failed"
        ]
    );
    let again = learn(
        &log(&hour()),
        &[&DOMAIN[..], &["--output", "json"]].concat(),
    );
    assert_eq!(again.stdout, run.stdout);
}

#[test]
fn ends_with_no_where_there_is_nothing_to_propose() {
    let run = learn("", &DOMAIN);
    assert_eq!((run.status, run.stdout.as_str()), (2, ""));
    assert_eq!(
        run.stderr,
        "note: `<stdin>` is empty\nno rules to propose\n"
    );
    let once = log(&[line(0, Some(FRONTEND), "GET", "/")]);
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("learnt.yaml");
    let run = learn(&once, &[&DOMAIN[..], &["--out", text(&out)]].concat());
    assert_eq!(run.status, 2);
    assert!(
        run.stderr
            .contains("rare      shop/frontend: GET /: 1 request at"),
        "{}",
        run.stderr
    );
    assert!(!out.exists());
}

#[test]
fn a_port_that_policies_ask_for_is_told() {
    let shop = "../../examples/online-boutique";
    let lines: Vec<_> = (0..5)
        .map(|minute| {
            let checkout = "spiffe://cluster.local/ns/boutique/sa/checkoutservice";
            let path = "/hipstershop.PaymentService/Charge";
            let mut line = line(minute, Some(checkout), "POST", path);
            line["peergate_policy"] = json!("boutique/paymentservice");
            line
        })
        .collect();
    let told = learn(&log(&lines), &["-f", shop, "--port", "50051"]);
    assert_eq!(told.status, 2, "{}", told.stdout);
    // The filter's own word will do.
    let allowed = lines.clone().into_iter().map(|mut line| {
        line["peergate_effect"] = json!("allow");
        line["peergate_rule"] = json!("checkout");
        line
    });
    let allowed: Vec<_> = allowed.collect();
    let said = learn(&log(&allowed), &["-f", shop]);
    assert_eq!(said.status, 2, "{}", said.stdout);
    let other = learn(&log(&lines), &["-f", shop, "--port", "1"]);
    assert_eq!(other.status, 0, "{}", other.stderr);
}

#[test]
fn what_cannot_stand_beside_the_mesh_is_not_written() {
    let lines: Vec<_> = (0..5)
        .map(|minute| line(minute, None, "GET", "/b"))
        .collect();
    let mesh = MESH.replace("Permissive", "Strict");
    let folder = folder(&[("mesh.yaml", &mesh)]);
    let run = learn(
        &log(&lines),
        &["-f", text(folder.path()), "--include-anonymous"],
    );
    assert_eq!((run.status, run.stdout.as_str()), (3, ""), "{}", run.stderr);
    assert!(
        run.stderr.contains("the learned policy does not validate"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_service_is_named_where_workloads_reach_only_what_is_declared() {
    let mesh = MESH.replace("spec:\n", "spec:\n  outbound: Declared\n");
    let folder = folder(&[("mesh.yaml", &mesh)]);
    let mesh = ["-f", text(folder.path())];
    let run = learn(&log(&hour()), &mesh);
    assert_eq!((run.status, run.stdout.as_str()), (3, ""));
    assert!(
        run.stderr
            .contains("help: declare the service's port with `--service-port`")
    );
    let run = learn(
        &log(&hour()),
        &[&mesh[..], &["--service-port", "80:8080"]].concat(),
    );
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(run.stdout.contains("targetPort: 8080"), "{}", run.stdout);
}

#[test]
fn a_selector_is_for_one_policy() {
    let mut lines = hour();
    let select = [&DOMAIN[..], &["--selector", "component=cart"]].concat();
    let run = learn(&log(&lines), &select);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(run.stdout.contains("component: cart"), "{}", run.stdout);
    assert!(!run.stdout.contains("guess"), "{}", run.stdout);
    for mut line in hour() {
        line["peergate_policy"] = json!("shop/list");
        lines.push(line);
    }
    let run = learn(&log(&lines), &select);
    assert_eq!((run.status, run.stdout.as_str()), (3, ""));
    let run = learn(&log(&lines), &DOMAIN);
    assert_eq!(run.stdout.matches("kind: ServicePolicy").count(), 2);
}

#[test]
fn what_logs_say_cannot_leave_a_comment() {
    let lines: Vec<_> = (0..5)
        .map(|minute| {
            line(
                minute,
                Some(FRONTEND),
                "GET",
                "/a\n  - id: evil\n    effect: Allow",
            )
        })
        .chain([line(5, Some(FRONTEND), "GET", "/a\n  - id: evil\n")])
        .chain((0..60).map(|minute| line(minute, Some(FRONTEND), "GET", "/good")))
        .collect();
    let run = learn(&log(&lines), &DOMAIN);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(!run.stdout.contains("evil"), "{}", run.stdout);
    assert!(!run.stderr.contains("\n  - id: evil"), "{}", run.stderr);
}

#[test]
fn refuses_unusable_arguments() {
    for more in [
        &[][..],
        &["--trust-domain", "Cluster.Local"],
        &["--trust-domain", "a", "-f", POLICIES],
        &["--trust-domain", "a", "--policy", "cart"],
        &["--trust-domain", "a", "--selector", "app"],
        &["--trust-domain", "a", "--min-ids", "1"],
        &["--trust-domain", "a", "--service-port", "0"],
        &["--trust-domain", "a", "--window", "7"],
        &["--trust-domain", "a", "--min-span", "101"],
        &["-f", "-"],
    ] {
        let run = learn("", more);
        assert_eq!((run.status, run.stdout.as_str()), (3, ""), "{more:?}");
        assert!(
            run.stderr.starts_with("error: "),
            "{more:?}: {}",
            run.stderr
        );
    }
    assert_eq!(run(&["learn", DOMAIN[0], DOMAIN[1]]).status, 3);
}
