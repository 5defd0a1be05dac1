use serde_json::{Value, json};

use super::*;
use crate::identity::TrustDomains;
use crate::problem::Problem;

/// The problems of rules in namespace `shop` of a mesh with two trust domains, as `code at
/// location`.
pub(super) fn problems_of(rules: &Value, enforcement: Enforcement) -> Vec<String> {
    let specs: Vec<RuleSpec> = serde_json::from_value(rules.clone()).unwrap();
    let trust_domains = TrustDomains::new("cluster.local", &["old.local"]).unwrap();
    let scope = RuleContext {
        trust_domains: Some(&trust_domains),
        namespace: "shop",
        enforcement,
        otherwise: Otherwise::Deny,
        at_gateway: true,
    };
    let mut problems = Problems::default();
    let root = Cursor::Root;
    let checked = check_rules(&specs, &scope, &root.key("rules"), &mut problems);
    assert_eq!(checked.len(), specs.len(), "{rules}");
    let problems = problems.into_vec();
    let is_refused = checked.iter().any(Option::is_none);
    // Duplicate IDs are a problem of the policy, not of a single rule.
    let is_of_a_rule = |problem: &&Problem| problem.code != code::DUPLICATE_RULE_ID;
    assert_eq!(
        is_refused,
        problems.iter().any(|problem| is_of_a_rule(&problem)),
        "a rule is built exactly if nothing is wrong with it: {rules}"
    );
    let written = |problem: &Problem| format!("{} at {}", problem.code, problem.location);
    problems.iter().map(written).collect()
}

/// The problems of a list `key` with one value, in a source (`from`) or an operation (`to`).
pub(super) fn problem_of_value(place: &str, key: &str, value: &Value) -> Option<String> {
    let rules = json!([{ "id": "r", "effect": "Allow", place: [{ key: [value] }] }]);
    let problems = problems_of(&rules, Enforcement::Enforce);
    assert!(problems.len() <= 1, "{key} {value}: {problems:?}");
    let location = format!(" at rules[0].{place}[0].{key}[0]");
    problems.first().map(|problem| {
        let code = problem.strip_suffix(&location);
        code.unwrap_or_else(|| panic!("{problem} is not{location}"))
            .to_owned()
    })
}

#[test]
fn reports_problems_of_rules_with_their_location() {
    let cases = [
        (json!([]), vec![]),
        (json!([{"id": "r", "effect": "Allow"}]), vec![]),
        (
            json!([{"id": "r", "effect": "Allow"}, {"id": "s", "effect": "Deny"}]),
            vec![],
        ),
        (
            json!([{"id": "r", "effect": "Allow"}, {"id": "r", "effect": "Deny"}]),
            vec!["duplicate-rule-id at rules[1].id"],
        ),
        (
            json!([{"id": "R", "effect": "Allow"}]),
            vec!["invalid-rule-id at rules[0].id"],
        ),
        (
            json!([{"id": "r", "effect": "Allow", "from": []}]),
            vec!["empty-list at rules[0].from"],
        ),
        (
            json!([{"id": "r", "effect": "Allow", "to": []}]),
            vec!["empty-list at rules[0].to"],
        ),
        (
            json!([{"id": "r", "effect": "Allow", "from": [{}]}]),
            vec!["empty-matcher at rules[0].from[0]"],
        ),
        (
            json!([{"id": "r", "effect": "Allow", "to": [{"ports": [1]}, {}]}]),
            vec!["empty-matcher at rules[0].to[1]"],
        ),
        // All problems are reported together.
        (
            json!([{"id": "", "effect": "Allow", "notAfter": "soon", "from": [{"principals": [""]}]}]),
            vec![
                "invalid-rule-id at rules[0].id",
                "invalid-time at rules[0].notAfter",
                "empty-value at rules[0].from[0].principals[0]",
            ],
        ),
    ];
    for (rules, expected) in cases {
        assert_eq!(
            problems_of(&rules, Enforcement::Enforce),
            expected,
            "{rules}"
        );
    }
}

#[test]
fn checks_the_validity_of_a_rule() {
    let (early, late) = ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
    let cases = [
        (json!({"notBefore": early}), vec![]),
        (json!({"notAfter": late}), vec![]),
        (json!({"notBefore": early, "notAfter": late}), vec![]),
        (
            json!({"notBefore": late, "notAfter": early}),
            vec!["never-matches at rules[0].notAfter"],
        ),
        (
            json!({"notBefore": early, "notAfter": early}),
            vec!["never-matches at rules[0].notAfter"],
        ),
        (
            json!({"notBefore": "", "notAfter": "2026-01-02"}),
            vec![
                "invalid-time at rules[0].notBefore",
                "invalid-time at rules[0].notAfter",
            ],
        ),
    ];
    for (times, expected) in cases {
        let mut rule = json!({"id": "r", "effect": "Allow"});
        rule.as_object_mut()
            .unwrap()
            .extend(times.as_object().unwrap().clone());
        assert_eq!(
            problems_of(&json!([rule]), Enforcement::Enforce),
            expected,
            "{times}"
        );
    }
}

#[test]
fn rejects_enforced_rules_in_a_shadow_policy() {
    use Enforcement::{Enforce, Shadow};
    let refused = vec!["exclusive-fields at rules[0].enforcement"];
    let cases = [
        (Enforce, Some(Enforce), vec![]),
        (Enforce, Some(Shadow), vec![]),
        (Enforce, None, vec![]),
        (Shadow, None, vec![]),
        (Shadow, Some(Shadow), vec![]),
        (Shadow, Some(Enforce), refused),
    ];
    for (of_policy, of_rule, expected) in cases {
        let mut rule = json!({"id": "r", "effect": "Allow"});
        if let Some(enforcement) = of_rule {
            rule["enforcement"] = json!(enforcement);
        }
        assert_eq!(
            problems_of(&json!([rule]), of_policy),
            expected,
            "{of_policy:?} {rule}"
        );
    }
}

#[test]
fn accepts_only_kubernetes_names() {
    let longest = "a".repeat(63);
    let too_long = "a".repeat(64);
    for label in ["a", "0", "a-b", "a--b", "0a9", &longest] {
        assert!(is_dns_label(label), "{label}");
        assert!(is_dns_subdomain(label), "{label}");
    }
    for text in [
        "", "-", "-a", "a-", "A", "a_b", "a b", "é", "a/b", "a.", ".a", "a..b", &too_long,
    ] {
        assert!(!is_dns_label(text), "{text}");
        assert!(!is_dns_subdomain(text), "{text}");
    }
    assert!(!is_dns_label("a.b"));
    assert!(is_dns_subdomain("a.b-c.0"));
    let of_labels =
        |last: usize| format!("{}{}", format!("{longest}.").repeat(3), "a".repeat(last));
    assert!(is_dns_subdomain(&of_labels(61)), "253 characters");
    assert!(!is_dns_subdomain(&of_labels(62)), "254 characters");
}

#[test]
fn rejects_null() {
    // `from:` without a value is `null` in JSON. Read as an omitted field, it would widen the rule
    // to every caller.
    let fields = [
        "notBefore",
        "notAfter",
        "enforcement",
        "from",
        "to",
        "description",
        "owner",
    ];
    for field in fields {
        let rule = json!({"id": "r", "effect": "Allow", field: null});
        assert!(
            serde_json::from_value::<RuleSpec>(rule.clone()).is_err(),
            "{rule}"
        );
    }
    let lists = [
        ("from", "principals"),
        ("from", "serviceAccounts"),
        ("from", "namespaces"),
        ("from", "trustDomains"),
        ("to", "methods"),
        ("to", "paths"),
        ("to", "hosts"),
        ("to", "ports"),
    ];
    for (place, field) in lists {
        let (initial, rest) = field.split_at(1);
        let twin = format!("not{}{rest}", initial.to_ascii_uppercase());
        for field in [field, &twin] {
            let rule = json!({"id": "r", "effect": "Allow", place: [{field: null}]});
            assert!(
                serde_json::from_value::<RuleSpec>(rule.clone()).is_err(),
                "{rule}"
            );
        }
    }
    let rule = json!({"id": "r", "effect": "Deny", "from": [{"anonymous": null}]});
    assert!(serde_json::from_value::<RuleSpec>(rule).is_err());
}
