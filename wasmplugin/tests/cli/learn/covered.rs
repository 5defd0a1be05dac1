//! How denials and deny rules affect a draft, and which requests it covers.

use super::*;

fn report(lines: &[Value], args: &[&str]) -> (Value, String) {
    let run = learn(&log(lines), &[args, &["--output", "json"]].concat());
    assert_eq!(run.status, 0, "{}", run.stderr);
    let human = learn(&log(lines), args);
    (serde_json::from_str(&run.stdout).unwrap(), human.stderr)
}

fn paths(report: &Value) -> Vec<&str> {
    let learned = report.pointer("/policies/0/learned").unwrap();
    let learned = learned.as_array().unwrap().iter();
    learned.filter_map(|call| call["path"].as_str()).collect()
}

/// A request for an order that was refused for this reason.
fn rejected_line(path: &str, status: u16, details: &str) -> Value {
    let refused = line(30, Some(FRONTEND), "GET", path);
    let refused = with(refused, "response_code", json!(status));
    with(refused, "response_code_details", json!(details))
}

#[test]
fn a_denial_prevents_a_template_only_if_the_path_never_passed() {
    let never = "/orders/9999";
    for (path, status, details, is_template) in [
        // `hour` has eight requests for it.
        (
            "/orders/1004",
            403,
            "peergate_denied[no-rule-matched]",
            true,
        ),
        (
            "/orders/1004",
            403,
            "rbac_access_denied_matched_policy[none]",
            true,
        ),
        (never, 401, "jwt_authn_access_denied{Jwt_is_expired}", true),
        (never, 403, "ext_authz_denied", true),
        (never, 403, "rbac_access_denied_matched_policy[none]", false),
        (never, 403, "peergate_denied[no-rule-matched]", false),
    ] {
        let mut lines = hour();
        lines.push(rejected_line(path, status, details));
        let (report, human) = report(&lines, &DOMAIN);
        let found = paths(&report).contains(&"/orders/{*}");
        assert_eq!(found, is_template, "{details} {path}: {human}");
        let kept = "literal   /orders/{*} is not a template: `/orders/9999` was denied; add it with `--template`";
        assert_eq!(human.contains(kept), !is_template, "{human}");
    }
}

#[test]
fn denials_by_a_deny_rule_do_not_prevent_a_template() {
    let rules =
        "  rules:\n  - id: no-admin\n    effect: Deny\n    to:\n    - paths: [/orders/admin]\n";
    let policy = format!("{}{rules}", head("cart"));
    let files = folder(&[("mesh.yaml", MESH), ("cart.yaml", &policy)]);
    for count in [1, 20] {
        let mut lines = hour();
        let admin = |minute| line(minute, Some(FRONTEND), "GET", "/orders/admin");
        lines.extend((0..count).map(admin));
        lines.push(rejected_line(
            "/orders/admin",
            403,
            "peergate_denied[denied-by-rule]",
        ));
        let (report, human) = report(&lines, &["-f", text(files.path())]);
        let learned = paths(&report);
        assert!(learned.contains(&"/orders/{*}"), "{human}");
        assert!(!learned.contains(&"/orders/admin"), "{human}");
        let excluded = "denied by rule `no-admin`";
        assert!(human.contains(excluded), "{human}");
        let document = report["policies"][0]["document"].as_str().unwrap();
        assert!(document.contains(rules), "{document}");
    }
}

#[test]
fn covers_paths_that_normalize_to_a_learned_path() {
    let folder = folder(&[("mesh.yaml", MESH)]);
    let mut lines = hour();
    let elsewhere = line(1, Some(FRONTEND), "POST", "/x/*");
    let same = line(2, Some(FRONTEND), "POST", "/x/../orders");
    lines.extend([elsewhere, same]);
    let (report, human) = report(&lines, &["-f", text(folder.path())]);
    let coverage = &report["policies"][0]["coverage"];
    assert_eq!(
        *coverage,
        json!({"covered": 181, "eligible": 183}),
        "{human}"
    );
    assert!(human.contains("no rule can match `POST /x/*`"), "{human}");
    assert!(!human.contains("POST /x/../orders"), "{human}");
}
