use serde_json::{Value, json};

use super::*;

mod covered;

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

#[test]
fn proposes_a_policy_and_says_what_is_left_out() {
    let run = learn(&log(&hour()), &DOMAIN);
    assert_eq!(run.status, 0, "{}", run.stderr);
    insta::assert_snapshot!("a_new_policy", run.stdout);
    insta::assert_snapshot!("a_new_policy_report", run.stderr);
}

#[test]
fn what_the_workload_called_itself_is_no_request_to_it() {
    let mut lines = hour();
    let own = |minute, path| {
        let line = with(
            line(minute, None, "GET", path),
            "peergate_policy",
            json!(null),
        );
        let cluster = json!("outbound|80||ads.shop.svc.cluster.local");
        with(line, "upstream_cluster", cluster)
    };
    // They would keep the template apart.
    lines.extend((0..60).map(|minute| own(minute, "/orders/export")));
    let more = ["--workload", "shop/cart", "--include-anonymous"];
    let run = learn(&log(&lines), &[&DOMAIN[..], &more].concat());
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(!run.stdout.contains("export"), "{}", run.stdout);
    assert!(run.stdout.contains("/orders/{*}"), "{}", run.stdout);
    let aside = "60 requests from 2026-05-01T10:00:00Z to 2026-05-01T10:59:00Z: the workload itself made it";
    assert!(run.stderr.contains(aside), "{}", run.stderr);
}

#[test]
fn what_may_be_of_either_way_is_never_learnt() {
    let either_way = |minute| {
        let line = line(minute, None, "GET", "/orders/export");
        with(line, "peergate_policy", json!(null))
    };
    let mut lines = hour();
    lines.extend((0..60).map(either_way));
    let more = ["--workload", "shop/cart", "--include-anonymous"];
    let run = learn(&log(&lines), &[&DOMAIN[..], &more].concat());
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(!run.stdout.contains("export"), "{}", run.stdout);
    let aside = "60 requests from 2026-05-01T10:00:00Z to 2026-05-01T10:59:00Z: no caller and no `upstream_cluster`, so the workload itself may have made it";
    assert!(run.stderr.contains(aside), "{}", run.stderr);
}

#[test]
fn paths_that_no_rule_ever_sees_are_put_aside_and_the_rest_is_learnt() {
    let unseen = [
        "/a/../b", "/a/./b", "/a/..", "/a/.", "/a\\b", "/a*b", "/{x", "/..",
    ];
    let merged = ["/a//b"];
    let decoded = ["/a%2fb", "/a%5Cb"];
    let mut lines = hour();
    let all = [unseen.as_slice(), &merged, &decoded].concat();
    for path in &all {
        lines.extend((0..60).map(|minute| line(minute, Some(FRONTEND), "GET", path)));
    }
    for (mode, aside, learnt) in [
        (
            "Base",
            unseen.to_vec(),
            [merged.as_slice(), &decoded].concat(),
        ),
        ("DecodeAndMergeSlashes", all.clone(), vec![]),
    ] {
        let mesh = MESH.replace("DecodeAndMergeSlashes", mode);
        let folder = folder(&[("mesh.yaml", &mesh)]);
        let files = ["-f", text(folder.path()), "--output", "json"];
        let run = learn(&log(&lines), &files);
        assert_eq!(run.status, 0, "{mode}: {}", run.stderr);
        let answer: Value = serde_json::from_str(&run.stdout).unwrap();
        let policy = &answer["policies"][0];
        let texts = |list: &Value, field: &str| -> Vec<String> {
            let list = list.as_array().unwrap().iter();
            list.filter_map(|one| one[field].as_str().map(str::to_owned))
                .collect()
        };
        let found = texts(&policy["setAside"], "what");
        for path in aside {
            assert!(
                found.contains(&format!("GET {path}")),
                "{mode} {path}: {found:?}"
            );
        }
        let found = texts(&policy["learnt"], "path");
        for path in learnt.into_iter().chain(["/orders"]) {
            assert!(
                found.iter().any(|one| one == path),
                "{mode} {path}: {found:?}"
            );
        }
    }
}

#[test]
fn what_is_proposed_is_accepted_beside_the_mesh() {
    let folder = folder(&[("mesh.yaml", MESH)]);
    let out = folder.path().join("learnt.yaml");
    let mesh = folder.path().join("mesh.yaml");
    let run = learn(&log(&hour()), &["-f", text(&mesh), "-o", text(&out)]);
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
    let run = learn(&log(&hour()), &["-f", policies, "-o", text(&out)]);
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
            .contains("180 requests that rules in shadow would allow"),
        "{}",
        again.stderr
    );
    let validated = super::run(&["validate", "-f", policies, "--at", NOW]);
    assert_eq!(validated.status, 0, "{}", validated.stderr);
}

/// A policy `shop/NAME` up to its rules.
fn head(name: &str) -> String {
    format!(
        "apiVersion: peergate.dev/v1alpha1\nkind: ServicePolicy\nmetadata:\n  name: {name}\n  namespace: shop\nspec:\n  selector:\n    matchLabels:\n      app: {name}\n"
    )
}

/// What the rules in shadow of `shop/cart` do with what was learnt.
fn rule_in_shadow(policies: &str) -> Option<Value> {
    let question = ["decide", "-f", policies, "--at", NOW, "--from", FRONTEND];
    let request = ["--to", "shop/cart", "--method", "POST", "--path", "/orders"];
    let answer = super::run(&[&question[..], &request, &["--output", "json"]].concat());
    let answer: Value = serde_json::from_str(&answer.stdout).unwrap();
    answer.pointer("/shadow/0/rule").cloned()
}

#[test]
fn everything_else_in_a_file_stays_to_the_byte() {
    let (head, other) = (head("cart"), head("other"));
    let rule = "  - id: frontend\n    effect: Deny\n    to:\n    - paths: [/x]";
    for (before, after, rule) in [
        (format!("{head}  rules: [] # none yet\n"), "", "frontend"),
        (format!("{head}  rules:\n{rule} # no\n"), "", "frontend-2"),
        (
            format!("# All of the shop.\n---\n# The carts.\n{head}  rules:\n{rule}\n"),
            "  enforcement: Enforce\n---\n# Another.\n",
            "frontend-2",
        ),
        (
            format!(
                "# Another.\n{other}  rules: []\n---\n# The carts.\n{head}  # why\n  rules:\n{rule}\n"
            ),
            "# The end.\n",
            "frontend-2",
        ),
    ] {
        for windows in [false, true] {
            let written = |text: &str| {
                if windows {
                    format!("\u{feff}{}", text.replace('\n', "\r\n"))
                } else {
                    text.to_owned()
                }
            };
            let policy = written(&format!("{before}{after}"));
            let files = folder(&[("mesh.yaml", MESH), ("cart.yaml", &policy)]);
            let policies = text(files.path());
            let run = learn(&log(&hour()), &["-f", policies]);
            assert_eq!(run.status, 0, "{}", run.stderr);
            let updated = run.stdout;
            let kept = written(&before.replace("rules: [] #", "rules: #"));
            assert!(updated.starts_with(&kept), "{kept}\n{updated}");
            let after = written(after);
            assert!(
                updated.ends_with(after.trim_start_matches('\u{feff}')),
                "{updated}"
            );
            assert!(
                updated.contains("# GET /orders/{*}: 60 requests"),
                "{updated}"
            );
            let lone = updated.replace("\r\n", "").contains('\n');
            assert_ne!(lone, windows, "{updated:?}");
            std::fs::write(files.path().join("cart.yaml"), &updated).unwrap();
            assert_eq!(rule_in_shadow(policies), Some(json!(rule)));
        }
    }
}

#[test]
fn policies_that_share_a_file_get_their_rules_in_one_text() {
    let policies = format!(
        "{}  rules: []\n---\n{}  rules: []\n",
        head("cart"),
        head("list")
    );
    let files = folder(&[("mesh.yaml", MESH), ("shop.yaml", &policies)]);
    let mut lines = hour();
    lines.extend(
        hour()
            .into_iter()
            .map(|line| with(line, "peergate_policy", json!("shop/list"))),
    );
    let policies = text(files.path());
    let run = learn(&log(&lines), &["-f", policies]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert_eq!(run.stdout.matches("kind: ServicePolicy").count(), 2);
    assert_eq!(run.stdout.matches("- id: frontend").count(), 2);
    std::fs::write(files.path().join("shop.yaml"), &run.stdout).unwrap();
    let again = learn(&log(&lines), &["-f", policies]);
    assert_eq!((again.status, again.stdout.as_str()), (2, ""));
}

#[test]
fn rules_for_a_policy_in_brackets_are_for_people_to_put_there() {
    let as_json = r#"{"apiVersion":"peergate.dev/v1alpha1","kind":"ServicePolicy","metadata":{"name":"cart","namespace":"shop"},"spec":{"selector":{"matchLabels":{"app":"cart"}},"rules":[]}}"#;
    let in_brackets = format!(
        "{}  rules: [{{id: x, effect: Deny, to: [{{paths: [/x]}}]}}]  # keep\n",
        head("cart")
    );
    for (policy, line) in [(as_json, 1), (&in_brackets, 10)] {
        let files = folder(&[("mesh.yaml", MESH), ("cart.yaml", policy)]);
        let out = files.path().join("out.yaml");
        let args = ["-f", text(files.path()), "-o", text(&out)];
        let run = learn(&log(&hour()), &args);
        assert_eq!((run.status, run.stdout.as_str()), (0, ""), "{}", run.stderr);
        assert!(!out.exists());
        let why = format!(
            "cart.yaml is not changed: line {line}: `rules` is written in brackets; put these rules there by hand:\n# GET /orders/{{*}}"
        );
        assert!(run.stderr.contains(&why), "{}", run.stderr);
        assert!(run.stderr.contains("\n- id: frontend\n"), "{}", run.stderr);
        let run = learn(
            &log(&hour()),
            &["-f", text(files.path()), "--output", "json"],
        );
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        let cart = &report["policies"][0];
        assert_eq!(
            (&cart["document"], &cart["isNew"]),
            (&json!(null), &json!(false))
        );
        let rules = cart["byHand"]["rules"].as_str().unwrap();
        assert!(rules.contains("\n- id: frontend\n"), "{rules}");
    }
}

#[test]
fn what_is_within_a_template_and_was_refused_or_rare_is_told() {
    let mut lines = hour();
    lines.push(line(30, Some(FRONTEND), "GET", "/orders/0"));
    for minute in [10, 20] {
        let refused = line(
            minute,
            Some(FRONTEND),
            "GET",
            &format!("/orders/90{minute}"),
        );
        lines.push(with(refused, "response_code", json!(403)));
    }
    let run = learn(&log(&lines), &DOMAIN);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let told = "{*} is 8 ids such as 0, 1000, 1001; 1 path of it seen a few times only, such as /orders/0; 2 paths more refused by the workload, an authorizer or for their token, such as /orders/9010\n";
    assert!(run.stdout.contains(told), "{}", run.stdout);
    assert!(run.stderr.contains(told), "{}", run.stderr);
    let aside = "aside   2 requests from 2026-05-01T10:10:00Z to 2026-05-01T10:20:00Z: let through and answered with 401 or 403";
    assert!(run.stderr.contains(aside), "{}", run.stderr);
    let run = learn(&log(&lines), &[&DOMAIN[..], &["--output", "json"]].concat());
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let call = &report["policies"][0]["learnt"][0];
    assert_eq!(call["seldom"], json!({"count": 1, "example": "/orders/0"}));
    assert_eq!(
        call["forbidden"],
        json!({"count": 2, "example": "/orders/9010"})
    );
}

#[test]
fn a_name_among_ids_is_told_where_it_is_odd_and_keeps_them_apart_where_it_is_not() {
    let named = |minutes: &[u32]| {
        let calls = minutes.iter().map(|minute| {
            let path = "/orders/delete-user-42-forever";
            line(*minute, Some(FRONTEND), "GET", path)
        });
        let run = learn(
            &log(&hour().into_iter().chain(calls).collect::<Vec<_>>()),
            &DOMAIN,
        );
        assert_eq!(run.status, 0, "{}", run.stderr);
        run
    };
    let once = named(&[30]);
    let told = "GET /orders/{*}: 61 requests from 2026-05-01T10:00:00Z to 2026-05-01T10:59:00Z; {*} is 7 ids such as 1000, 1001, 1002; also takes values such as delete-user-42-forever, which was seen in this place seldom\n";
    assert!(once.stderr.contains(told), "{}", once.stderr);
    assert!(once.stdout.contains(told), "{}", once.stdout);
    assert!(
        !once.stderr.contains("rare    shop/frontend: GET"),
        "{}",
        once.stderr
    );
    let often = named(&[10, 20, 30]);
    let kept = "kept    /orders/{*} is no template: `delete-user-42-forever` stands in the place of an id; `--template` makes it one";
    assert!(often.stderr.contains(kept), "{}", often.stderr);
    assert!(!often.stdout.contains("{*}"), "{}", often.stdout);
}

#[test]
fn templates_are_taken_by_hand() {
    let mut lines = hour();
    for minute in [10, 20, 30] {
        lines.push(line(minute, Some(FRONTEND), "GET", "/orders/export"));
        lines.push(line(
            minute,
            Some(FRONTEND),
            "GET",
            &format!("/items/{minute}/page"),
        ));
    }
    let by_hand = ["--template", "/orders/{*}", "--template", "/items/{*}/page"];
    let run = learn(&log(&lines), &[&DOMAIN[..], &by_hand].concat());
    assert_eq!(run.status, 0, "{}", run.stderr);
    for told in [
        "GET /orders/{*}: 63 requests from 2026-05-01T10:00:00Z to 2026-05-01T10:59:00Z; by hand: takes in 8 paths such as /orders/1000\n",
        "GET /items/{*}/page: 3 requests from 2026-05-01T10:10:00Z to 2026-05-01T10:30:00Z; by hand: takes in 3 paths such as /items/10/page\n",
        "  covers  the draft covers 186 of 187 eligible requests\n",
    ] {
        assert!(run.stderr.contains(told), "{}", run.stderr);
    }
    let json = ["--output", "json", "--template", "/nowhere/{*}"];
    let run = learn(&log(&lines), &[&DOMAIN[..], &by_hand, &json].concat());
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["coverage"], json!({"covered": 186, "eligible": 187}));
    let learnt = report["policies"][0]["learnt"].as_array().unwrap();
    let call = learnt
        .iter()
        .find(|call| call["path"] == "/orders/{*}")
        .unwrap();
    assert_eq!(
        call["byHand"],
        json!({"count": 8, "example": "/orders/1000"})
    );
    let unused = "note: the template `/nowhere/{*}` takes in no request that is learned from";
    assert!(run.stderr.contains(unused), "{}", run.stderr);
    for (template, reason) in [
        ("/orders/{id}", "`{*}`"),
        ("/orders", "it has neither `{*}` nor `{**}`"),
        ("orders/{*}", "it does not begin with `/`"),
    ] {
        let refused = learn("", &[&DOMAIN[..], &["--template", template]].concat());
        assert_eq!(refused.status, 3);
        assert!(refused.stderr.contains(reason), "{}", refused.stderr);
    }
}

/// A line in Istio's default text format.
fn default_text(minute: u32, cluster: &str) -> String {
    format!(
        "[2026-05-01T10:{minute:02}:00.123Z] \"GET /orders/7 HTTP/1.1\" 200 - via_upstream - \"-\" 0 42 3 2 \"-\" \"curl/8\" \"6f1c\" \"cart.shop\" \"10.0.0.7:8080\" {cluster} 127.0.0.6:40001 10.0.0.7:8080 10.0.0.9:50400 - default\n"
    )
}

#[test]
fn istios_own_formats_name_no_caller_and_that_is_told_once() {
    let mut text = default_text(1, "inbound|8080||") + &default_text(2, "outbound|80||ads.shop");
    for minute in 0..30 {
        let mut json = line(minute, None, "GET", "/orders");
        json.as_object_mut().unwrap().remove("peer");
        json.as_object_mut().unwrap().remove("peergate_policy");
        json["upstream_cluster"] = json!("inbound|8080||");
        text.push_str(&json.to_string());
        text.push('\n');
    }
    let note = "note: 32 lines (1 of them a call that the workload itself made) do not name the caller, so nothing can be learned from them; the first is <stdin>:1: set `spec.telemetry.accessLog: {requests: All, provider: peergate}` in the `Mesh`, render and apply it, and install the provider with `peergate install-values`";
    let alone = learn(&text, &DOMAIN);
    assert_eq!((alone.status, alone.stdout.as_str()), (2, ""));
    assert_eq!(
        alone.stderr,
        format!("there is nothing to propose\n{note}\n")
    );
    // Beside lines of Peergate's own provider they take nothing away.
    let beside = learn(&(text.clone() + &log(&hour())), &DOMAIN);
    assert_eq!(beside.status, 0, "{}", beside.stderr);
    assert_eq!(beside.stderr.matches("name the caller").count(), 1);
    assert_eq!(beside.stdout, learn(&log(&hour()), &DOMAIN).stdout);
    let run = learn(&text, &[&DOMAIN[..], &["--output", "json"]].concat());
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let expected = json!({"lines": 32, "outbound": 1, "file": "<stdin>", "first": 1});
    assert_eq!(report["linesWithoutCaller"], expected);
}

#[test]
fn lines_of_waypoints_are_learnt_where_they_name_the_caller() {
    let at_waypoint = |minute: u32, caller: Option<Value>| {
        let mut line = line(minute, None, "GET", "/reviews");
        line["peergate_policy"] = json!(null);
        line["upstream_cluster"] = json!("inbound-vip|9080|http|reviews.shop.svc.cluster.local");
        if let Some(caller) = caller {
            line["waypoint_peer"] = caller;
        }
        line
    };
    let workload = ["--workload", "shop/reviews", "--include-anonymous"];
    let named: Vec<_> = (0..60)
        .map(|minute| at_waypoint(minute, Some(json!(FRONTEND))))
        .collect();
    let run = learn(&log(&named), &[&DOMAIN[..], &workload].concat());
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(run.stdout.contains("- frontend"), "{}", run.stdout);
    // A log without the field says nothing of callers: they are not anonymous.
    let silent: Vec<_> = (0..60).map(|minute| at_waypoint(minute, None)).collect();
    let run = learn(&log(&silent), &[&DOMAIN[..], &workload].concat());
    assert_eq!((run.status, run.stdout.as_str()), (2, ""));
    assert!(
        run.stderr.contains("60 lines do not name the caller"),
        "{}",
        run.stderr
    );
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
fn lines_that_are_none_are_counted() {
    let text = format!("[2026-05-01T10:00:00Z] started\n\n{}", log(&hour()));
    let run = learn(&text, &DOMAIN);
    assert_eq!(run.status, 0);
    let note = "note: <stdin>: 1 of 246 lines is none of an access log; the first is line 1: not a JSON object";
    assert!(run.stderr.contains(note), "{}", run.stderr);
}

#[test]
fn a_file_that_is_no_such_log_is_refused() {
    let mut nameless = line(0, Some(FRONTEND), "GET", "/");
    nameless["peergate_policy"] = json!(null);
    for (text, message) in [
        ("GET / HTTP/1.1\n", "line 1: not a JSON object"),
        ("\n{}\n", "line 2: column 2: missing field"),
        (
            &log(&[nameless]),
            "help: name the policy with `--workload NAMESPACE/NAME`",
        ),
    ] {
        let run = learn(text, &DOMAIN);
        assert_eq!((run.status, run.stdout.as_str()), (3, ""));
        assert!(run.stderr.contains(message), "{}", run.stderr);
    }
    let named = learn(
        "{}\n",
        &[&DOMAIN[..], &["--access-log", "no-such-file"]].concat(),
    );
    assert_eq!(named.status, 3);
    let missing = super::run(&[
        "learn",
        "--access-log",
        "no-such-file",
        DOMAIN[0],
        DOMAIN[1],
    ]);
    assert_eq!(missing.status, 1);
}

#[test]
fn ends_with_no_where_there_is_nothing_to_propose() {
    let run = learn("", &DOMAIN);
    assert_eq!((run.status, run.stdout.as_str()), (2, ""));
    assert_eq!(
        run.stderr,
        "note: `<stdin>` has no lines\nthere is nothing to propose\n"
    );
    let once = log(&[line(0, Some(FRONTEND), "GET", "/")]);
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("learnt.yaml");
    let run = learn(&once, &[&DOMAIN[..], &["-o", text(&out)]].concat());
    assert_eq!(run.status, 2);
    assert!(
        run.stderr
            .contains("rare    shop/frontend: GET /: 1 request at"),
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
        run.stderr.contains("what was learnt is not accepted"),
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
            .contains("help: name the service's port with `--service-port`")
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
        &["--trust-domain", "a", "--workload", "cart"],
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
