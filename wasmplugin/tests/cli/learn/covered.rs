//! What denials and rules that deny have to do with a draft, and what it covers.

use super::*;

fn report(lines: &[Value], args: &[&str]) -> (Value, String) {
    let run = learn(&log(lines), &[args, &["--output", "json"]].concat());
    assert_eq!(run.status, 0, "{}", run.stderr);
    let human = learn(&log(lines), args);
    (serde_json::from_str(&run.stdout).unwrap(), human.stderr)
}

fn paths(report: &Value) -> Vec<&str> {
    let learnt = report.pointer("/policies/0/learnt").unwrap();
    let learnt = learnt.as_array().unwrap().iter();
    learnt.filter_map(|call| call["path"].as_str()).collect()
}

/// An order that was refused for this reason.
fn refused(path: &str, status: u16, details: &str) -> Value {
    let refused = line(30, Some(FRONTEND), "GET", path);
    let refused = with(refused, "response_code", json!(status));
    with(refused, "response_code_details", json!(details))
}

#[test]
fn a_denial_prevents_a_template_only_where_the_path_was_never_let_through() {
    let never = "/orders/9999";
    for (path, status, details, is_template) in [
        // `hour` has it eight times.
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
        lines.push(refused(path, status, details));
        let (report, human) = report(&lines, &DOMAIN);
        let found = paths(&report).contains(&"/orders/{*}");
        assert_eq!(found, is_template, "{details} {path}: {human}");
        let kept = "literal   /orders/{*} is not a template: `/orders/9999` was denied; add it with `--template`";
        assert_eq!(human.contains(kept), !is_template, "{human}");
    }
}

#[test]
fn what_a_deny_rule_denies_prevents_no_template_beside_it() {
    let rules =
        "  rules:\n  - id: no-admin\n    effect: Deny\n    to:\n    - paths: [/orders/admin]\n";
    let policy = format!("{}{rules}", head("cart"));
    let files = folder(&[("mesh.yaml", MESH), ("cart.yaml", &policy)]);
    for count in [1, 20] {
        let mut lines = hour();
        let admin = |minute| line(minute, Some(FRONTEND), "GET", "/orders/admin");
        lines.extend((0..count).map(admin));
        lines.push(refused(
            "/orders/admin",
            403,
            "peergate_denied[denied-by-rule]",
        ));
        let (report, human) = report(&lines, &["-f", text(files.path())]);
        let learnt = paths(&report);
        assert!(learnt.contains(&"/orders/{*}"), "{human}");
        assert!(!learnt.contains(&"/orders/admin"), "{human}");
        let aside = "denied by rule `no-admin`";
        assert!(human.contains(aside), "{human}");
        let document = report["policies"][0]["document"].as_str().unwrap();
        assert!(document.contains(rules), "{document}");
    }
}

#[test]
fn what_is_normalised_to_a_learnt_path_is_covered() {
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
