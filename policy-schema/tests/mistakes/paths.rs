//! Paths that clients can evade, or that no rule ever sees.

use super::{SERVICE, codes, codes_of_rule, mesh, of_workload, policy};

#[test]
fn finds_evadable_denials_by_path() {
    let is_evadable = |mode: &str, rules: &str| {
        let mesh = mesh(&format!(", pathNormalization: {mode}"));
        let found = codes(&[&mesh, &of_workload("shop", "api", rules)]);
        found.contains(&"evadable-path")
    };
    let denial = "{id: no-internal, effect: Deny, to: [{paths: [\"/v1/internal/*\"]}]}";
    let rules = |allow: &str| format!("rules: [{{id: v1, effect: Allow, {allow}}}, {denial}]");
    let all_of_v1 = rules("to: [{paths: [\"/v1/*\"]}]");
    for (mode, is_found) in [
        ("None", true),
        ("Base", true),
        ("MergeSlashes", true),
        ("DecodeAndMergeSlashes", false),
    ] {
        assert_eq!(is_evadable(mode, &all_of_v1), is_found, "{mode}");
    }
    let denying = |path: &str| {
        format!(
            "rules: [{{id: all, effect: Allow}}, {{id: no, effect: Deny, to: [{{paths: [\"{path}\"]}}]}}]"
        )
    };
    for (mode, path, is_found) in [
        ("Base", "/admin", true),
        ("MergeSlashes", "/admin", false),
        ("MergeSlashes", "/admin/*", true),
        ("Base", "/admin/{*}", true),
        ("Base", "*/admin", true),
        ("Base", "*admin", false),
    ] {
        assert_eq!(is_evadable(mode, &denying(path)), is_found, "{mode} {path}");
    }
    for safe in [
        // Nothing else is allowed.
        rules("to: [{paths: [\"/v1/orders\", \"/v1/carts\"]}]"),
        // Allowed callers are not denied anything.
        format!("rules: [{{id: v1, effect: Allow}}, {denial}]")
            .replace("to:", "from: [{namespaces: [audit]}], to:"),
        all_of_v1.replace("Deny,", "Deny, enforcement: Shadow,"),
        all_of_v1.replace("Allow,", "Allow, enforcement: Shadow,"),
        all_of_v1.replace("Deny,", "Deny, notAfter: \"2020-01-01T00:00:00Z\","),
    ] {
        assert!(!is_evadable("Base", &safe), "{safe}");
    }
    for unsafe_rules in [
        // The rule denies the allowed caller.
        all_of_v1.replace("Allow, to:", "Allow, from: [{serviceAccounts: [web]}], to:"),
        all_of_v1.replace("Deny, to:", "Deny, from: [{notNamespaces: [ops]}], to:"),
        // One segment, like `/v1/internal%2Fx`.
        rules("to: [{paths: [\"/v1/{*}\"]}]"),
        format!("otherwise: Pass, rules: [{denial}]"),
        all_of_v1.replace(
            "{paths: [\"/v1/*\"]",
            "{methods: [POST], ports: [8080], hosts: [api.example], paths: [\"/v1/*\"]",
        ),
    ] {
        let mesh = "Base, defaults: {otherwise: Pass}";
        assert!(is_evadable(mesh, &unsafe_rules), "{unsafe_rules}");
    }
}

#[test]
fn ignores_evasions_by_paths_that_no_rule_sees() {
    let mesh = mesh(", defaults: {otherwise: Pass}");
    for path in ["/a/./{*}", "/a/../b", "/%61/{*}"] {
        let rules = format!(
            "rules: [{{id: all, effect: Allow}}, {{id: no, effect: Deny, to: [{{paths: [\"{path}\"]}}]}}]"
        );
        let found = codes(&[&mesh, &of_workload("shop", "api", &rules)]);
        assert!(found.contains(&"never-matches"), "{path}: {found:?}");
        assert!(!found.contains(&"evadable-path"), "{path}: {found:?}");
    }
}

#[test]
fn judges_a_wide_denial_by_the_rules_of_each_workload() {
    let denial = "scope: Mesh, otherwise: Pass, rules: [{id: no-admin, effect: Deny, to: [{paths: [\"/admin/*\"]}]}]";
    let denial = policy("istio-system", "no-admin", denial);
    let api = |paths: &str| {
        let rules = format!("rules: [{{id: r, effect: Allow, to: [{{paths: [{paths}]}}]}}]");
        of_workload("shop", "api", &rules)
    };
    let is_evadable =
        |paths: &str| codes(&[&mesh(""), &denial, &api(paths)]).contains(&"evadable-path");
    assert!(!is_evadable("/v1"));
    assert!(is_evadable("\"*\""));
}

#[test]
fn paths_and_principals_of_other_tools_are_found() {
    for rule in [
        "effect: Allow, to: [{paths: [\"/v1/:id/x\"]}]",
        "effect: Allow, to: [{paths: [\"/v1/[0-9]+\"]}]",
        "effect: Allow, to: [{paths: [\"/v1/(a.+)\"]}]",
        "effect: Allow, to: [{paths: [\"/v1/.*\"]}]",
        "effect: Allow, to: [{paths: [\"/v1/x$\"]}]",
        "effect: Deny, to: [{paths: [\"/v1/:id/x\"]}]",
        "effect: Allow, from: [{requestPrincipals: [\"https://a.example/spiffe://td/x/y\"]}]",
        "effect: Allow, from: [{requestPrincipals: [\"https://shop.auth0.com/*\"]}]",
        "effect: Allow, from: [{requestPrincipals: [\"https://sts.windows.net/4711/*\"]}]",
        "effect: Allow, from: [{notRequestPrincipals: [\"https://shop.auth0.com/bob\"]}]",
    ] {
        assert_eq!(codes_of_rule(SERVICE, rule), ["foreign-syntax"], "{rule}");
    }
    for rule in [
        "effect: Allow, to: [{paths: [\"/v1/x:cancel\", \"/v1/a+b\", \"/v1/$metadata\", \"/x(1)\", \"/x/[1]\", \"/a.b/c\", \"/.well-known/*\"]}]",
        "effect: Deny, to: [{paths: [\"/.*\"]}]",
        "effect: Allow, from: [{requestPrincipals: [\"https://shop.auth0.com//*\", \"https://a.example/tenant/*\", \"https://sts.windows.net/4711//*\", \"*\"]}]",
    ] {
        assert_eq!(codes_of_rule(SERVICE, rule), [""; 0], "{rule}");
    }
}

#[test]
fn paths_that_proxies_rewrite_never_match() {
    let seen = |normalization: &str, path: &str| {
        let mesh = mesh(&format!(", pathNormalization: {normalization}"));
        let rule = format!("rules: [{{id: r, effect: Allow, to: [{{paths: ['{path}']}}]}}]");
        codes(&[&mesh, &of_workload("shop", "cart", &rule)]).is_empty()
    };
    for (path, none, base, decoded) in [
        ("/a", true, true, true),
        ("/v1/%61", true, false, false),
        ("/v1/%61*", true, false, false),
        ("*/%7Eme", true, false, false),
        ("/v1/%2e/x", true, false, false),
        ("/%2E%2e/x", true, false, false),
        ("/v1/{*}/%61", true, false, false),
        ("/%20x", true, true, true),
        ("/a%2Fb", true, true, false),
        ("/a%5cb", true, true, false),
        ("/a%25b", true, true, true),
        ("/a%6", true, true, true),
        ("/%C3%A9", true, true, true),
        ("/a|b", true, false, false),
        ("/a/..", true, false, false),
        ("/a/./{*}", true, false, false),
        ("/a/{*}/..", true, false, false),
        ("/{**}/../b", true, false, false),
        ("/a/..b/{*}", true, true, true),
    ] {
        let is_seen = ["None", "Base", "DecodeAndMergeSlashes"].map(|mode| seen(mode, path));
        assert_eq!(is_seen, [none, base, decoded], "{path}");
    }
}

#[test]
fn paths_in_headers_that_proxies_rewrite_never_match() {
    for (value, is_seen) in [
        ("/admin", true),
        ("/%61dmin", false),
        ("/%61dmin*", false),
        ("/a/../b", false),
        ("/a/../b?x", false),
        ("/a?b=/../c", true),
        ("/a?b=%61*", true),
        ("*/%61dmin", true),
    ] {
        let rule = format!(
            "effect: Allow, when: [{{key: \"request.headers[:path]\", values: ['{value}']}}]"
        );
        let found = codes_of_rule(SERVICE, &rule);
        let expected: &[&str] = if is_seen { &[] } else { &["never-matches"] };
        assert_eq!(found, expected, "{value}");
    }
}
