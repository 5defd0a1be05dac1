//! Formats of access logs, and what is no access log.

use super::*;

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
    let note = "note: 32 lines (1 of them was sent by the workload itself) do not name the caller and cannot be learned from; the first is <stdin>:1: set `spec.telemetry.accessLog: {requests: All, provider: peergate}` in the `Mesh`, render and apply it, and install the provider with `peergate install-values`";
    let alone = learn(&text, &DOMAIN);
    assert_eq!((alone.status, alone.stdout.as_str()), (2, ""));
    assert_eq!(alone.stderr, format!("no rules to propose\n{note}\n"));
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
    let workload = ["--policy", "shop/reviews", "--include-anonymous"];
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
fn lines_that_are_none_are_counted() {
    let text = format!("[2026-05-01T10:00:00Z] started\n\n{}", log(&hour()));
    let run = learn(&text, &DOMAIN);
    assert_eq!(run.status, 0);
    let note = "note: <stdin>: 1 of 246 lines is not an access log entry; the first is line 1: not a JSON object";
    assert!(run.stderr.contains(note), "{}", run.stderr);
}

#[test]
fn a_file_that_is_no_such_log_is_refused() {
    let mut nameless = line(0, Some(FRONTEND), "GET", "/");
    nameless["peergate_policy"] = json!(null);
    for (text, message) in [
        ("GET / HTTP/1.1\n", "line 1: not a JSON object"),
        ("\n{}\n", "line 2: column 2: missing field"),
        (&log(&[nameless]), "help: add `--policy NAMESPACE/NAME`"),
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
