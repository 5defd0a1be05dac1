//! `peergate promote` and `peergate top` without real counters.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;

use policy_schema::telemetry::RevisionNumber;
use serde_json::{Value, json};

use super::{MESH, NOW, command, finish, folder, run, run_with, text};

const POLICY: &str = "apiVersion: peergate.dev/v1alpha1
kind: ServicePolicy
metadata: {name: cart, namespace: shop}
spec:
  selector: {matchLabels: {app: cart}}
  rules:
    - id: reads
      effect: Allow
      from: [{serviceAccounts: [web]}]
    - id: jobs
      effect: Allow
      enforcement: Shadow
      from: [{serviceAccounts: [jobs]}]
";

/// A Prometheus without data that runs as long as the tests.
fn empty_prometheus() -> String {
    prometheus_answering(|_| None)
}

/// A Prometheus that answers each query with one number or no data.
fn prometheus_answering(answer: impl Fn(&str) -> Option<f64> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut asked = String::new();
            let mut buffer = [0; 4096];
            while !asked.ends_with("partial_response=false") {
                let read = stream.read(&mut buffer).unwrap();
                if read == 0 {
                    break;
                }
                asked += &String::from_utf8_lossy(buffer.get(..read).unwrap());
            }
            let number = asked
                .split_once("query=")
                .and_then(|(_, query)| answer(query));
            let series =
                number.map(|number| json!({"metric": {}, "value": [0, number.to_string()]}));
            let series: Vec<_> = series.into_iter().collect();
            let body =
                json!({"status": "success", "data": {"resultType": "vector", "result": series}});
            let body = body.to_string();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    url
}

/// The window has samples of several days, but there is no current value.
#[test]
fn a_proxy_that_is_no_longer_scraped_is_not_ready_and_stays_in_shadow() {
    const DAY: f64 = 86_400.0;
    // `NOW`.
    const UNTIL: f64 = 1_780_272_000.0;
    let rule = "    - {id: no-admin, effect: Deny, enforcement: Shadow, to: [{paths: [/admin]}]}\n";
    let policy = format!("{POLICY}{rule}");
    let files = folder(&[("mesh.yaml", MESH), ("cart.yaml", &policy)]);
    let judge = |url: &str, more: &[&str]| {
        let args = ["promote", "-f", text(files.path()), "--prometheus", url];
        let rule = ["--at", NOW, "--rule", "no-admin", "--output", "json"];
        let run = run(&[&args[..], &rule, more].concat());
        assert_eq!(run.status, 2, "{}", run.stderr);
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        report["candidates"][0].clone()
    };
    let revision: RevisionNumber = judge(&empty_prometheus(), &[])["revision"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    // The revision is known only if proxies reported it before.
    for has_revision in [true, false] {
        let last = UNTIL - 2.0 * DAY;
        let url = prometheus_answering(move |query| {
            let is_revision_query = query.contains("peergate_policy_revision");
            if is_revision_query && !has_revision {
                return None;
            }
            let is_then = query.contains(&format!("time={last}"));
            match query {
                // Another revision.
                query if query.contains("%21%3D") => None,
                query if query.starts_with("peergate_policy_revision") => {
                    #[expect(clippy::cast_precision_loss, reason = "48 bits fit")]
                    let running = revision.get() as f64;
                    is_then.then_some(running)
                }
                query if query.starts_with("min%28min_over_time%28timestamp") => {
                    Some(UNTIL - 7.0 * DAY)
                }
                query if query.contains("timestamp") => Some(last),
                query if query.starts_with("count%28") => {
                    query.contains("604800000ms").then_some(1.0)
                }
                query if query.starts_with("avg_over_time") => Some(5.0 / 7.0),
                query if query.starts_with("max_over_time") => Some(UNTIL),
                query if query.starts_with("max") || query.starts_with("sum%28") => Some(40_320.0),
                _ => None,
            }
        });
        let judged = judge(&url, &["--write"]);
        let found = ["verdict", "ready", "requests", "notScrapedSince"].map(|it| &judged[it]);
        let expected = [
            json!("not-scraped"),
            json!(false),
            json!(40_320),
            json!("2026-05-30T00:00:00Z"),
        ];
        assert_eq!(found, expected.each_ref(), "{judged}");
        let now = fs::read_to_string(files.path().join("cart.yaml")).unwrap();
        assert_eq!(now, policy);
    }
}

#[test]
fn harmless_rules_are_ready_and_uncounted_rules_are_not() {
    let url = empty_prometheus();
    let report = run(&[
        "promote",
        "-f",
        "policies",
        "--prometheus",
        &url,
        "--at",
        NOW,
    ]);
    assert_eq!((report.status, report.stderr.as_str()), (2, ""));
    insta::assert_snapshot!("promote_nothing_counted", report.stdout);
    let ready = ["--rule", "new-caller"];
    let args = [
        "promote",
        "-f",
        "policies",
        "--prometheus",
        &url,
        "--at",
        NOW,
    ];
    let report = run(&[&args[..], &ready].concat());
    assert_eq!(report.status, 0);
}

#[test]
fn reports_ready_if_nothing_is_in_shadow() {
    let enforced = POLICY.replace("      enforcement: Shadow\n", "");
    let files = folder(&[("mesh.yaml", MESH), ("cart.yaml", &enforced)]);
    let report = run(&[
        "promote",
        "-f",
        text(files.path()),
        "--prometheus",
        &empty_prometheus(),
    ]);
    assert_eq!(
        (report.status, &*report.stdout),
        (0, "nothing is in shadow\n")
    );
}

#[test]
fn changes_only_the_promoted_fields_of_a_file() {
    let url = empty_prometheus();
    for (case, before) in [
        ("unix", POLICY.to_owned()),
        ("windows", POLICY.replace('\n', "\r\n")),
        ("byte order mark", format!("\u{feff}{POLICY}")),
    ] {
        let files = folder(&[("mesh.yaml", MESH), ("cart.yaml", &before)]);
        let written = run(&[
            "promote",
            "-f",
            text(files.path()),
            "--prometheus",
            &url,
            "--write",
        ]);
        assert_eq!(written.status, 0, "{case}: {}", written.stderr);
        let file = files.path().join("cart.yaml");
        assert_eq!(written.stderr, format!("wrote {}\n", file.display()));
        let after = fs::read_to_string(files.path().join("cart.yaml")).unwrap();
        let end = if case == "windows" { "\r\n" } else { "\n" };
        let expected = before.replace(&format!("      enforcement: Shadow{end}"), "");
        assert_eq!(after, expected, "{case}");
        let mesh = fs::read_to_string(files.path().join("mesh.yaml")).unwrap();
        assert_eq!(mesh, MESH);
    }
}

#[test]
fn changes_nothing_that_cannot_be_changed_safely() {
    let url = empty_prometheus();
    let in_brackets = POLICY.replace(
        "    - id: jobs\n      effect: Allow\n      enforcement: Shadow\n      from: [{serviceAccounts: [jobs]}]\n",
        "    - {id: jobs, effect: Allow, enforcement: Shadow}\n",
    );
    // Enforcing it would be an error: a policy with `otherwise: Pass` has no allow rules.
    let passing = POLICY
        .replace("  rules:", "  otherwise: Pass\n  rules:")
        .replace(
            "id: reads\n      effect: Allow",
            "id: reads\n      effect: Deny",
        );
    for (policy, message) in [
        (
            in_brackets,
            "cart.yaml`: line 10: `enforcement` is in flow style",
        ),
        (
            passing,
            "nothing was changed: the enforced policies would not be valid",
        ),
    ] {
        let files = folder(&[("mesh.yaml", MESH), ("cart.yaml", &policy)]);
        let refused = run(&[
            "promote",
            "-f",
            text(files.path()),
            "--prometheus",
            &url,
            "--write",
        ]);
        assert_eq!(refused.status, 3, "{}", refused.stdout);
        assert!(refused.stderr.contains(message), "{}", refused.stderr);
        let after = fs::read_to_string(files.path().join("cart.yaml")).unwrap();
        assert_eq!(after, policy);
    }
}

#[test]
fn refuses_invalid_arguments_with_a_fix() {
    let url = empty_prometheus();
    let policies = ["promote", "-f", "policies", "--at", NOW];
    let cases: [(&[&str], i32, &str); 9] = [
        (&[], 3, "--prometheus <URL>"),
        (&["--prometheus", "localhost:9090"], 3, "must begin with"),
        (
            &["--prometheus", "http://127.0.0.1:1"],
            1,
            "cannot reach Prometheus",
        ),
        (
            &["--prometheus", &url, "--rule", "reads"],
            3,
            "rule `reads` is not in shadow",
        ),
        (
            &["--prometheus", &url, "--policy", "shop/card"],
            3,
            "did you mean `shop/cart`?",
        ),
        (
            &["--prometheus", &url, "--window", "7"],
            3,
            "a number with `s`",
        ),
        (
            &["--prometheus", &url, "--window", "-1d"],
            3,
            "`--window -1d`: a time span or number cannot be negative",
        ),
        (
            &["--prometheus", &url, "--max-breakage", "2"],
            3,
            "use a percentage",
        ),
        (
            &[
                "--prometheus",
                &url,
                "--prometheus-token-file",
                "policies/cart.yaml",
            ],
            3,
            "only the bearer token",
        ),
    ];
    for (more, status, message) in cases {
        let refused = run(&[&policies[..], more].concat());
        assert_eq!(refused.status, status, "{more:?}: {}", refused.stderr);
        assert!(
            refused.stderr.contains(message),
            "{more:?}: {}",
            refused.stderr
        );
    }
    let stdin = ["promote", "-f", "-", "--prometheus", &url, "--write"];
    let refused = run_with(&stdin, POLICY);
    assert_eq!(refused.status, 3);
    assert!(refused.stderr.contains("cannot write to stdin"));
}

/// As with `kubectl port-forward`, even if `HTTP_PROXY` is set.
#[test]
fn queries_a_local_prometheus_without_an_http_proxy() {
    let mut command = command(&["top", "--prometheus", &empty_prometheus()]);
    command
        .env("HTTP_PROXY", "http://127.0.0.1:1")
        .env_remove("NO_PROXY")
        .env_remove("no_proxy");
    let shown = finish(command, "");
    // Reachable, but without metrics of the filter.
    assert_eq!(shown.status, 0, "{}", shown.stderr);
    assert!(
        shown
            .stderr
            .contains("has no metric `peergate_decisions_total`"),
        "{}",
        shown.stderr
    );
}

#[test]
fn top_reports_unusable_endpoints_and_missing_metrics() {
    let cases: [(&[&str], i32, &str); 5] = [
        (&["top"], 3, "required"),
        (
            &["top", "--proxy", "localhost:15000"],
            3,
            "as `http://HOST:PORT`",
        ),
        (&["top", "--proxy", "http://127.0.0.1:1"], 1, "port-forward"),
        (
            &["top", "--prometheus", "http://127.0.0.1:1"],
            1,
            "cannot reach Prometheus",
        ),
        (
            &["top", "--proxy", "http://a:1", "--interval", "0s"],
            3,
            "the minimum is 100ms",
        ),
    ];
    for (args, status, message) in cases {
        let refused = run(args);
        assert_eq!(refused.status, status, "{args:?}: {}", refused.stderr);
        assert!(
            refused.stderr.contains(message),
            "{args:?}: {}",
            refused.stderr
        );
    }
    let shown = run(&["top", "--prometheus", &empty_prometheus()]);
    assert_eq!(shown.status, 0);
    assert!(shown.stdout.contains("no counters"), "{}", shown.stdout);
    let why = "has no metric `peergate_decisions_total`: check that";
    assert!(shown.stderr.contains(why), "{}", shown.stderr);
}

#[test]
fn top_refuses_an_unknown_policy_and_suggests_the_nearest_name() {
    let url = empty_prometheus();
    let files = folder(&[("mesh.yaml", MESH), ("cart.yaml", POLICY)]);
    let documents = ["-f", text(files.path())];
    let top = |policy: &str, more: &[&str]| {
        run(&[&["top", "--prometheus", &url, "--policy", policy], more].concat())
    };
    let unknown = top("shop/card", &documents);
    assert_eq!((unknown.status, &*unknown.stdout), (3, ""));
    for expected in ["unknown policy `shop/card`", "did you mean `shop/cart`?"] {
        assert!(unknown.stderr.contains(expected), "{}", unknown.stderr);
    }
    // The documents have it, even without counters.
    assert_eq!(top("shop/cart", &documents).status, 0);
    let alone = top("shop/cart", &[]);
    assert_eq!(alone.status, 3, "{}", alone.stdout);
    assert!(
        alone.stderr.contains("there are no policies"),
        "{}",
        alone.stderr
    );
}
