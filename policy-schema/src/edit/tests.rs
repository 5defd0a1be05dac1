//! Compares texts before and after edits.

use super::{Edit, EditError, PolicyText};
use crate::plugin_config::PolicyName;

fn name(name: &str) -> PolicyName {
    PolicyName {
        namespace: "shop".to_owned(),
        name: name.to_owned(),
    }
}

/// A policy `orders` with the rules in these lines.
fn policy(rules: &str) -> String {
    format!(
        "kind: ServicePolicy\nmetadata: {{name: orders, namespace: shop}}\nspec:\n  rules:\n{rules}"
    )
}

fn without_rule_field(text: &str) -> Result<String, EditError> {
    let parsed = PolicyText::parse(text)?;
    let edit = parsed.remove_rule_field(&name("orders"), "a", "enforcement")?;
    parsed.apply(vec![edit])
}

#[test]
fn removes_a_field_and_keeps_the_rest() {
    let cases = [
        (
            "in the middle",
            "    - id: a\n      enforcement: Shadow\n      effect: Deny\n",
            "    - id: a\n      effect: Deny\n",
        ),
        (
            "at the end",
            "    - id: a\n      effect: Deny\n      enforcement: Shadow\n    - id: b\n",
            "    - id: a\n      effect: Deny\n    - id: b\n",
        ),
        (
            "at the end of the text, without a line end",
            "    - id: a\n      enforcement: Shadow",
            "    - id: a\n",
        ),
        (
            "with comments before and after",
            "    - id: a\n      # why\n      enforcement: Shadow\n      # what\n      effect: Deny\n",
            "    - id: a\n      # why\n      # what\n      effect: Deny\n",
        ),
        (
            "with a comment beside it",
            "    - id: a\n      enforcement: Shadow  # until June\n      effect: Deny\n",
            "    - id: a\n      # until June\n      effect: Deny\n",
        ),
        (
            "as the first of an element",
            "    - enforcement: Shadow\n      id: a\n      effect: Deny\n",
            "    - id: a\n      effect: Deny\n",
        ),
        (
            "as the first of an element, with a comment beside it",
            "    -   enforcement: Shadow # until June\n        id: a\n",
            "    -   # until June\n        id: a\n",
        ),
        (
            "as the first of an element, with a comment below it",
            "    - enforcement: Shadow\n      # who\n      id: a\n",
            "    - # who\n      id: a\n",
        ),
        (
            "below a dash that stands alone",
            "    -\n      enforcement: Shadow\n      id: a\n",
            "    -\n      id: a\n",
        ),
        (
            "in quotes",
            "    - id: a\n      \"enforcement\": 'Shadow'\n      effect: Deny\n",
            "    - id: a\n      effect: Deny\n",
        ),
        (
            "with its value on the next line",
            "    - id: a\n      enforcement:\n        Shadow\n      effect: Deny\n",
            "    - id: a\n      effect: Deny\n",
        ),
        (
            "with the line ends of Windows",
            "    - id: a\r\n      enforcement: Shadow\r\n      effect: Deny\r\n",
            "    - id: a\r\n      effect: Deny\r\n",
        ),
        (
            "with trailing blanks and an empty line",
            "    - id: a\n      enforcement: Shadow  \n\n      effect: Deny\n",
            "    - id: a\n\n      effect: Deny\n",
        ),
        (
            "after characters of several bytes",
            "    - id: a\n      description: Größe 大\n      enforcement: Shadow\n",
            "    - id: a\n      description: Größe 大\n",
        ),
        (
            "beside a rule that has the same field",
            "    - id: b\n      enforcement: Shadow\n    - id: a\n      enforcement: Shadow\n",
            "    - id: b\n      enforcement: Shadow\n    - id: a\n",
        ),
        (
            "with a list at the indentation of its key",
            "  - id: a\n    enforcement: Shadow\n    effect: Deny\n",
            "  - id: a\n    effect: Deny\n",
        ),
    ];
    for (case, before, after) in cases {
        let changed = without_rule_field(&policy(before));
        assert_eq!(changed.as_deref(), Ok(&*policy(after)), "{case}");
        // The rest has the same rule, without the field.
        let changed = changed.unwrap();
        let again = without_rule_field(&changed).unwrap_err();
        assert!(
            matches!(again, EditError::NoField { .. }),
            "{case}: {again}"
        );
    }
}

#[test]
fn refuses_edits_within_a_line_with_its_number() {
    let in_brackets = EditError::InBrackets {
        line: 5,
        field: "enforcement".to_owned(),
    };
    let shared = |line| EditError::SharedLines {
        line,
        field: "enforcement".to_owned(),
    };
    let cases = [
        ("    - {id: a, enforcement: Shadow}\n", in_brackets),
        (
            "    - id: a\n      enforcement: # for now\n        Shadow\n",
            shared(6),
        ),
        (
            "    - ? enforcement\n      : Shadow\n      ? id\n      : a\n",
            shared(5),
        ),
        (
            "    - id: b\n",
            EditError::NoRule {
                policy: name("orders"),
                rule: "a".to_owned(),
            },
        ),
        (
            "    - id: a\n",
            EditError::NoField {
                line: 5,
                field: "enforcement".to_owned(),
            },
        ),
    ];
    for (rules, expected) in cases {
        let error = without_rule_field(&policy(rules)).unwrap_err();
        assert_eq!(error, expected, "{rules}");
    }
    let json = r#"{"kind": "ServicePolicy", "metadata": {"name": "orders", "namespace": "shop"},
        "spec": {"rules": [
            {"id": "a", "enforcement": "Shadow"}]}}"#;
    let error = without_rule_field(json).unwrap_err();
    let expected = EditError::InBrackets {
        line: 3,
        field: "enforcement".to_owned(),
    };
    assert_eq!(error, expected);
    assert_eq!(without_rule_field("a: *b"), Err(EditError::NotYaml));
}

#[test]
fn edits_the_right_document() {
    let document = |name: &str| {
        format!(
            "kind: ServicePolicy\nmetadata:\n  name: {name}\n  namespace: shop\nspec:\n  enforcement: Shadow\n  rules: []\n"
        )
    };
    let mesh = "kind: Mesh\nmetadata: {name: orders}\nspec: {}\n";
    let [cart, orders] = ["cart", "orders"].map(document);
    let text = format!("# all\n---\n{mesh}---\n{cart}...\n---\n{orders}");
    let parsed = PolicyText::parse(&text).unwrap();
    assert!(parsed.has_policy(&name("cart")) && !parsed.has_policy(&name("mesh")));
    let edit = parsed
        .remove_spec_field(&name("orders"), "enforcement")
        .unwrap();
    let changed = parsed.apply(vec![edit]).unwrap();
    let enforced = orders.replace("  enforcement: Shadow\n", "");
    assert_eq!(
        changed,
        format!("# all\n---\n{mesh}---\n{cart}...\n---\n{enforced}")
    );
    let missing = parsed.remove_spec_field(&name("web"), "enforcement");
    assert_eq!(missing, Err(EditError::NoPolicy(name("web"))));
}

#[test]
fn applies_several_edits_in_any_order() {
    let text = policy(
        "    - id: a\n      enforcement: Shadow\n    - id: b\n      enforcement: Shadow\n    - id: c\n",
    );
    let parsed = PolicyText::parse(&text).unwrap();
    let of = |rule| {
        parsed
            .remove_rule_field(&name("orders"), rule, "enforcement")
            .unwrap()
    };
    let expected = policy("    - id: a\n    - id: b\n    - id: c\n");
    assert_eq!(parsed.apply(vec![of("b"), of("a")]).unwrap(), expected);
    let twice: Vec<Edit> = vec![of("a"), of("a")];
    assert_eq!(parsed.apply(twice), Err(EditError::Overlap));
}

fn lines() -> Vec<String> {
    ["id: b", "to:", "  - methods: [GET]"]
        .map(str::to_owned)
        .into()
}

fn with_rule(text: &str) -> Result<String, EditError> {
    let parsed = PolicyText::parse(text)?;
    let edit = parsed.append_rule(&name("orders"), &lines())?;
    parsed.apply(vec![edit])
}

#[test]
fn appends_a_rule_with_matching_indentation() {
    let cases = [
        (
            "at the end of the text",
            "    - id: a\n      effect: Deny\n",
            "    - id: a\n      effect: Deny\n    - id: b\n      to:\n        - methods: [GET]\n",
        ),
        (
            "without a line end",
            "    - id: a",
            "    - id: a\n    - id: b\n      to:\n        - methods: [GET]\n",
        ),
        (
            "before another document",
            "  - id: a\n    effect: Deny  # why\n\n---\nkind: Other\n",
            "  - id: a\n    effect: Deny  # why\n  - id: b\n    to:\n      - methods: [GET]\n\n---\nkind: Other\n",
        ),
        (
            "before what is not a rule",
            "    - id: a\n  enforcement: Shadow\n",
            "    - id: a\n    - id: b\n      to:\n        - methods: [GET]\n  enforcement: Shadow\n",
        ),
        (
            "where lines end in two characters",
            "    - id: a\r\n",
            "    - id: a\r\n    - id: b\r\n      to:\r\n        - methods: [GET]\r\n",
        ),
        (
            "after a wide dash",
            "    -   id: a\n",
            "    -   id: a\n    - id: b\n      to:\n        - methods: [GET]\n",
        ),
        (
            "after a dash that stands alone",
            "  -\n    id: a\n",
            "  -\n    id: a\n  - id: b\n    to:\n      - methods: [GET]\n",
        ),
        (
            "after rules in brackets, each on a line of its own",
            "    - {id: a} # why\n",
            "    - {id: a} # why\n    - id: b\n      to:\n        - methods: [GET]\n",
        ),
        (
            "after a text of several lines that looks like a comment",
            "    - id: a\n      description: |\n        One.\n\n        # Two.\n",
            "    - id: a\n      description: |\n        One.\n\n        # Two.\n    - id: b\n      to:\n        - methods: [GET]\n",
        ),
    ];
    for (case, before, after) in cases {
        let after = Ok(policy(after));
        assert_eq!(with_rule(&policy(before)), after, "{case}");
    }
}

#[test]
fn the_first_rule_replaces_empty_brackets() {
    let head = "kind: ServicePolicy\nmetadata: {name: orders, namespace: shop}\nspec:\n";
    let rule = "    - id: b\n      to:\n        - methods: [GET]\n";
    for (before, after) in [
        ("  rules: []\n", format!("  rules:\n{rule}")),
        ("  rules: [ ]", format!("  rules:\n{rule}")),
        (
            "  rules:   []  # none yet\n  # more\n  enforcement: Shadow\n",
            format!("  rules:  # none yet\n{rule}  # more\n  enforcement: Shadow\n"),
        ),
        (
            "  'rules': []\n---\nkind: Other\n",
            format!("  'rules':\n{rule}---\nkind: Other\n"),
        ),
    ] {
        let (before, after) = (format!("{head}{before}"), format!("{head}{after}"));
        assert_eq!(with_rule(&before), Ok(after.clone()));
        let windows = |text: &str| text.replace('\n', "\r\n");
        assert_eq!(with_rule(&windows(&before)), Ok(windows(&after)));
        assert!(
            PolicyText::parse(&after)
                .unwrap()
                .rule(&name("orders"), "b")
                .is_ok()
        );
    }
}

#[test]
fn rules_are_added_with_their_comments() {
    let list = "# why\n- id: b\n\n  # what\n  effect: Deny\n# rare\n";
    let text = policy("      - id: a\n");
    let parsed = PolicyText::parse(&text).unwrap();
    let edit = parsed.append_rules(&name("orders"), list).unwrap();
    let expected = "      - id: a\n      # why\n      - id: b\n\n        # what\n        effect: Deny\n      # rare\n";
    assert_eq!(parsed.apply(vec![edit]), Ok(policy(expected)));
}

#[test]
fn refuses_to_add_a_rule_within_a_line() {
    let head = "kind: ServicePolicy\nmetadata: {name: orders, namespace: shop}\n";
    for spec in [
        "spec:\n  rules:\n    []\n",
        "spec:\n  rules:\n    [{id: a}]\n",
        "spec:\n  rules: [{id: a}]\n",
        "spec: {rules: []}\n",
        "spec: {\n  rules: []\n}\n",
        "spec:\n  ? rules\n  : []\n",
    ] {
        let refused = with_rule(&format!("{head}{spec}")).unwrap_err();
        assert!(
            matches!(refused, EditError::InBrackets { .. }),
            "{spec}{refused:?}"
        );
    }
    let refused = with_rule("kind: Mesh\n").unwrap_err();
    assert_eq!(refused, EditError::NoPolicy(name("orders")));
}

#[test]
fn replaces_a_value_and_keeps_its_comment() {
    let replaced = |rules: &str| {
        let text = policy(rules);
        let parsed = PolicyText::parse(&text)?;
        let edit = parsed.replace_rule_field(&name("orders"), "a", "notAfter", "\"2\"")?;
        parsed.apply(vec![edit])
    };
    assert_eq!(
        replaced("    - id: a\n      notAfter: \"1\"  # why\n"),
        Ok(policy("    - id: a\n      notAfter: \"2\"  # why\n"))
    );
    assert_eq!(
        replaced("    - {id: a, notAfter: '1'}\n"),
        Ok(policy("    - {id: a, notAfter: \"2\"}\n"))
    );
    let folded = replaced("    - id: a\n      notAfter: >-\n        1\n").unwrap_err();
    assert!(matches!(folded, EditError::SharedLines { .. }), "{folded}");
    let missing = replaced("    - id: a\n").unwrap_err();
    assert!(matches!(missing, EditError::NoField { .. }), "{missing}");
}

#[test]
fn excludes_a_caller_from_each_source() {
    let excepted = |rules: &str| {
        let text = policy(rules);
        let parsed = PolicyText::parse(&text)?;
        parsed.apply(parsed.except_from_sources(&name("orders"), "a", "x")?)
    };
    let cases = [
        (
            "of several",
            "    - id: a\n      from:\n        - namespaces: [ns]\n        - trustDomains: [t]\n",
            "    - id: a\n      from:\n        - notPrincipals: [x]\n          namespaces: [ns]\n        - notPrincipals: [x]\n          trustDomains: [t]\n",
        ),
        (
            "that has exceptions",
            "    - id: a\n      from:\n        - notPrincipals: [z]\n",
            "    - id: a\n      from:\n        - notPrincipals: [x, z]\n",
        ),
        (
            "where there is none",
            "    - id: a\n      effect: Deny\n",
            "    - from:\n        - notPrincipals: [x]\n      id: a\n      effect: Deny\n",
        ),
    ];
    for (case, before, after) in cases {
        assert_eq!(excepted(before), Ok(policy(after)), "{case}");
    }
    for rules in [
        "    - {id: a, from: [{namespaces: [ns]}]}\n",
        "    - id: a\n      from:\n        - notPrincipals:\n            - z\n",
    ] {
        let refused = excepted(rules).unwrap_err();
        assert!(matches!(refused, EditError::SharedLines { .. }), "{rules}");
    }
}
