//! What becomes of a file that gets rules.

use super::*;

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
        let args = ["-f", text(files.path()), "--out", text(&out)];
        let run = learn(&log(&hour()), &args);
        assert_eq!((run.status, run.stdout.as_str()), (0, ""), "{}", run.stderr);
        assert!(!out.exists());
        let why = format!(
            "cart.yaml is unchanged: line {line}: `rules` is in flow style; add these rules by hand:\n# GET /orders/{{*}}"
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
