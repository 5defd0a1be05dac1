//! Values with several spellings, in RBAC and in the filter.

use super::*;

#[test]
fn refuses_rules_that_the_enforcement_points_cannot_share() {
    let cases = [
        "{id: a, effect: Deny, notAfter: \"2100-01-01T00:00:00Z\", from: [{ipBlocks: [10.0.0.0/8]}]}",
        "{id: a, effect: Deny, enforcement: Shadow, when: [{key: source.ip, values: [10.0.0.1]}]}",
        "{id: a, effect: Allow, from: [{ipBlocks: [10.0.0.0/8]}]}, {id: b, effect: Allow, notAfter: \"2100-01-01T00:00:00Z\"}",
    ];
    for rules in cases {
        let policy = policy("effect: Deny").replace("{id: r, effect: Deny}", rules);
        assert!(policy.contains(rules), "{policy}");
        assert_eq!(codes(&[MESH, &policy]), ["unenforceable-rule"], "{rules}");
    }
    // Both in one rule is exact: if one lets a request pass, the other does not match.
    let both = "{id: a, effect: Allow, notAfter: \"2100-01-01T00:00:00Z\", from: [{ipBlocks: [10.0.0.0/8]}]}";
    let policy = policy("effect: Deny").replace("{id: r, effect: Deny}", both);
    assert_eq!(codes(&[MESH, &policy]), [""; 0]);
}

#[test]
fn notes_rules_that_rbac_matches_in_fewer_spellings() {
    let header = "repeated header";
    let host = "user information";
    let template = "path templates";
    for (rule, expected) in [
        ("effect: Deny, to: [{hosts: [a]}]", &[host][..]),
        (
            "effect: Deny, to: [{notHosts: [a], notPaths: [\"/a/{*}\"]}]",
            &[],
        ),
        (
            "effect: Allow, to: [{hosts: [a], paths: [\"/a/{*}\"]}]",
            &[],
        ),
        (
            "effect: Allow, to: [{notHosts: [a], notPaths: [\"/a/{*}\"]}]",
            &[host, template],
        ),
        ("effect: Deny, to: [{paths: [\"/a/{**}\", /b]}]", &[]),
        ("effect: Audit, to: [{paths: [\"/a/{**}/b\"]}]", &[template]),
        (
            "effect: Allow, when: [{key: \"request.headers[x-a]\", values: [a]}]",
            &[header],
        ),
        (
            "effect: Deny, when: [{key: \"request.headers[x-a]\", values: [\"*\"]}]",
            &[],
        ),
        (
            "effect: Deny, when: [{key: \"request.headers[:authority]\", values: [a]}]",
            &[host],
        ),
        (
            "effect: Deny, enforcement: Shadow, to: [{hosts: [a]}]",
            &["cannot shadow"],
        ),
    ] {
        let policy = policy(rule);
        let set = check(&[MESH, &policy]).policies.unwrap();
        let notes: Vec<_> = set.policies()[0]
            .enforcement_differences(set.mesh())
            .collect();
        assert_eq!(notes.len(), expected.len(), "{rule}: {notes:?}");
        for ((id, note), words) in notes.into_iter().zip(expected) {
            assert_eq!(id, "r");
            assert!(note.contains(words), "{rule}: {note}");
        }
    }
}

#[test]
fn reports_evadable_rules() {
    let office = "from: [{ipBlocks: [10.0.0.0/8]}]";
    let alone = [
        (
            "effect: Deny, when: [{key: \"request.headers[x-a]\", values: [b]}]",
            true,
        ),
        (
            "effect: Deny, when: [{key: \"request.headers[x-a]\", notValues: [b]}]",
            true,
        ),
        (
            "effect: Deny, when: [{key: \"request.headers[x-a]\", values: [\"*\"]}]",
            false,
        ),
        (
            "effect: Deny, when: [{key: \"request.headers[:path]\", values: [/b]}]",
            false,
        ),
        (
            "effect: Deny, when: [{key: \"request.headers[:authority]\", values: [b]}]",
            true,
        ),
        ("effect: Deny, to: [{hosts: [b]}]", true),
        ("effect: Deny, to: [{notHosts: [b]}]", false),
        ("effect: Deny, to: [{paths: [\"/a/{*}\"]}]", true),
        ("effect: Deny, to: [{paths: [\"/a/{**}\", \"/a*\"]}]", false),
        ("effect: Deny, to: [{notPaths: [\"/a/{*}\"]}]", false),
        ("effect: Deny, enforcement: Enforce", false),
    ];
    for (rule, is_told) in alone {
        let expected: &[&str] = if is_told { &["evadable-rule"] } else { &[] };
        let in_rbac = policy(&format!("{rule}, {office}"));
        assert_eq!(codes(&[MESH, &in_rbac]), expected, "{rule}");
        let in_both = policy(rule);
        assert_eq!(codes(&[MESH, &in_both]), [""; 0], "{rule}");
    }
    let custom = policy("effect: Custom, provider: opa, to: [{hosts: [b]}]");
    assert_eq!(codes(&[MESH, &custom]), ["evadable-rule"]);
    for (rule, is_told) in [
        ("to: [{notPaths: [\"/a/{*}\"]}]", true),
        ("to: [{notHosts: [b]}]", true),
        ("to: [{hosts: [b], paths: [\"/a/{*}\"]}]", false),
    ] {
        let expected: &[&str] = if is_told { &["evadable-rule"] } else { &[] };
        let rules = format!("{{id: a, effect: Allow, {rule}}}, {{id: b, effect: Allow, {office}}}");
        let beside = policy("effect: Deny").replace("{id: r, effect: Deny}", &rules);
        assert_eq!(codes(&[MESH, &beside]), expected, "{rule}");
    }
}

#[test]
fn values_that_a_denial_excludes_again_may_still_match_in_another_spelling() {
    for (matcher, of_deny) in [
        ("to: [{hosts: [a], notHosts: [a]}]", &[][..]),
        ("to: [{hosts: [a], notHosts: [\"*\"]}]", &["never-matches"]),
        ("to: [{paths: [\"/{*}\"], notPaths: [\"/{*}\"]}]", &[]),
        (
            "to: [{paths: [\"/a\"], notPaths: [\"/{*}\"]}]",
            &["never-matches"],
        ),
        (
            "when: [{key: \"request.headers[x-a]\", values: [a], notValues: [a]}]",
            &[],
        ),
        (
            "when: [{key: connection.sni, values: [a], notValues: [a]}]",
            &[],
        ),
        (
            "when: [{key: source.namespace, values: [a], notValues: [a]}]",
            &["never-matches"],
        ),
    ] {
        let deny = policy(&format!("effect: Deny, {matcher}"));
        assert_eq!(codes(&[MESH, &deny]), of_deny, "{matcher}");
        let allow = policy(&format!("effect: Allow, {matcher}"));
        let found = codes(&[MESH, &allow]);
        assert!(found.contains(&"never-matches"), "{matcher}: {found:?}");
    }
}

#[test]
fn renders_more_spellings_for_rules_that_stop_requests() {
    for (rule, expected) in [
        (
            "effect: Deny, to: [{hosts: [admin.shop, \"admin.shop:*\"], paths: [\"/a/{**}\", \"/b/{*}\"]}]",
            r#"{"hosts":["admin.shop","admin.shop:*","admin.shop.","admin.shop.:*"],"paths":["/a/*","/b/{*}"]}"#,
        ),
        (
            "effect: Deny, to: [{notHosts: [admin.shop], notPaths: [\"/a/{**}\"]}]",
            r#"{"notHosts":["admin.shop"],"notPaths":["/a/{**}"]}"#,
        ),
        (
            "effect: Allow, to: [{notHosts: [admin.shop], paths: [\"/a/{**}\"], notPaths: [\"/a/b/{**}\"]}]",
            r#"{"notHosts":["admin.shop","admin.shop."],"paths":["/a/{**}"],"notPaths":["/a/b/*"]}"#,
        ),
    ] {
        let policy = policy(rule);
        let set = check(&[MESH, &policy]).policies.unwrap();
        let rendered = authorization_policies(&set.rollout(&set.policies()[0]));
        let mut rules = rendered.iter().flat_map(|object| &object.spec.rules);
        let operation = rules.find_map(|rule| rule.to.first()).unwrap();
        let expected: serde_json::Value = serde_json::from_str(expected).unwrap();
        let found = serde_json::to_value(&operation.operation).unwrap();
        assert_eq!(found, expected, "{rule}");
    }
}

#[test]
fn open_header_patterns_never_let_a_request_pass() {
    for (effect, list, is_found) in [
        ("Allow", "values: [\"a,*\"]", true),
        ("Allow", "values: [\"*,a\", b]", true),
        ("Allow", "values: [\"a,b\", \"c*\", \"*\"]", false),
        ("Deny", "values: [\"a,*\"]", false),
        ("Deny", "values: [x], notValues: [\"a,*\"]", true),
    ] {
        let rule = policy(&format!(
            "effect: {effect}, when: [{{key: \"request.headers[x-list]\", {list}}}]"
        ));
        let found = codes(&[MESH, &rule]);
        assert_eq!(
            found.contains(&"never-matches"),
            is_found,
            "{effect} {list}: {found:?}"
        );
    }
}
