//! Rules without effect.

use super::{SERVICE, codes, found, mesh, of_workload, policy};

/// The findings about two rules of one policy.
fn codes_of_rules(first: &str, second: &str) -> Vec<&'static str> {
    let rules = format!("{SERVICE}rules: [{{id: a, {first}}}, {{id: b, {second}}}]");
    codes(&[&mesh(""), &of_workload("shop", "cart", &rules)])
}

const WEB: &str = "from: [{serviceAccounts: [web]}]";

#[test]
fn finds_rules_that_others_cover() {
    for (broad, narrow) in [
        ("", ""),
        (
            "from: [{serviceAccounts: [web]}]",
            "from: [{serviceAccounts: [web]}]",
        ),
        (
            "from: [{serviceAccounts: [web, api]}]",
            "from: [{serviceAccounts: [api, web]}]",
        ),
        (
            "from: [{serviceAccounts: [web, api]}]",
            "from: [{serviceAccounts: [api]}]",
        ),
        (
            "from: [{namespaces: [shop]}]",
            "from: [{serviceAccounts: [web]}]",
        ),
        (
            "from: [{namespaces: [\"sh*\"]}]",
            "from: [{namespaces: [shop]}]",
        ),
        (
            "from: [{principals: [\"cluster.local/ns/shop/sa/*\"]}]",
            "from: [{serviceAccounts: [web]}]",
        ),
        ("", "from: [{namespaces: [other]}]"),
        ("to: [{paths: [\"/a/*\"]}]", "to: [{paths: [/a/b]}]"),
        ("to: [{paths: [\"/a/{*}\"]}]", "to: [{paths: [/a/b]}]"),
        ("to: [{paths: [\"/a/{*}\"]}]", "to: [{paths: [\"/a/{*}\"]}]"),
        (
            "to: [{paths: [\"/a/*\"]}, {methods: [GET]}]",
            "to: [{paths: [/b], methods: [GET]}]",
        ),
        ("to: [{ports: [8080, 9000]}]", "to: [{ports: [9000]}]"),
        (
            "from: [{remoteIpBlocks: [10.0.0.0/8]}]",
            "from: [{remoteIpBlocks: [10.1.0.0/16]}]",
        ),
        ("to: [{notPaths: [/a]}]", "to: [{notPaths: [/b, /a]}]"),
        ("", "notAfter: \"2100-01-01T00:00:00Z\""),
        ("", "when: [{key: \"request.headers[x]\", values: [a]}]"),
    ] {
        for effect in ["Allow", "Deny"] {
            let [broad, narrow] = [broad, narrow].map(|rest| {
                let separator = if rest.is_empty() { "" } else { ", " };
                format!("effect: {effect}{separator}{rest}")
            });
            let found = codes_of_rules(&broad, &narrow);
            assert_eq!(found, ["redundant-rule"], "{broad} / {narrow}");
        }
    }
}

#[test]
fn does_not_report_rules_with_an_effect() {
    for (one, other) in [
        (
            "effect: Allow, to: [{paths: [\"/a/*\"]}]",
            "effect: Allow, to: [{paths: [/b]}]",
        ),
        (
            "effect: Allow, to: [{paths: [\"/a/{*}\"]}]",
            "effect: Allow, to: [{paths: [\"/a/*\"], methods: [GET]}]",
        ),
        (
            "effect: Allow, to: [{paths: [/a], methods: [GET]}]",
            "effect: Allow, to: [{paths: [/a], methods: [POST]}]",
        ),
        ("effect: Allow, owner: a", "effect: Allow, owner: b"),
        ("effect: Allow", "effect: Allow, enforcement: Shadow"),
        (
            "effect: Allow, notAfter: \"2100-01-01T00:00:00Z\"",
            "effect: Allow, notBefore: \"2099-01-01T00:00:00Z\"",
        ),
        (
            "effect: Allow, to: [{notPaths: [/a]}]",
            "effect: Allow, to: [{notPaths: [/b]}]",
        ),
        (
            "effect: Allow, to: [{ports: [9000]}, {paths: [/a]}]",
            "effect: Allow, to: [{ports: [9000]}]",
        ),
        (
            "effect: Allow, from: [{trustDomains: [cluster.local]}]",
            "effect: Allow, from: [{serviceAccounts: [web]}]",
        ),
        ("effect: Allow", "effect: Allow, from: [{anonymous: true}]"),
        (
            "effect: Allow, from: [{namespaces: [\"*-x\"]}]",
            "effect: Allow, from: [{namespaces: [a]}]",
        ),
        (
            "effect: Deny, to: [{paths: [/a]}]",
            "effect: Allow, to: [{paths: [\"/*\"]}]",
        ),
        (
            "effect: Deny, enforcement: Shadow, to: [{paths: [\"/*\"]}]",
            "effect: Allow, to: [{paths: [/a]}]",
        ),
        (
            "effect: Deny, to: [{paths: [\"/*\"], ports: [8080]}]",
            "effect: Allow, to: [{paths: [/a]}]",
        ),
        (
            "effect: Deny, notAfter: \"2100-01-01T00:00:00Z\", to: [{paths: [\"/*\"]}]",
            "effect: Allow, to: [{paths: [/a]}]",
        ),
        (
            "effect: Audit, to: [{paths: [\"/*\"]}]",
            "effect: Allow, to: [{paths: [/a]}]",
        ),
    ] {
        let codes = codes_of_rules(one, other);
        let is_about = |code: &&str| matches!(*code, "redundant-rule" | "shadowed-rule");
        assert!(!codes.iter().any(is_about), "{one} / {other}: {codes:?}");
    }
}

#[test]
fn finds_an_allow_rule_that_a_denial_shadows() {
    for denied in [
        "",
        "to: [{paths: [\"/a/*\"]}]",
        "to: [{paths: [\"/a/{*}\"]}]",
        WEB,
        "from: [{namespaces: [shop]}]",
    ] {
        let separator = if denied.is_empty() { "" } else { ", " };
        let deny = format!("effect: Deny, owner: security{separator}{denied}");
        let allow =
            format!("effect: Allow, owner: team, {WEB}, to: [{{paths: [/a/b], methods: [GET]}}]");
        assert_eq!(codes_of_rules(&deny, &allow), ["shadowed-rule"], "{deny}");
        assert_eq!(codes_of_rules(&allow, &deny), ["shadowed-rule"], "{deny}");
    }
}

#[test]
fn does_not_report_rules_that_one_enforcement_point_matches_narrowly() {
    let without_filter = mesh("");
    let (before, _) = without_filter.split_once("filter:").expect("a filter");
    let without_filter = format!("{before}}}\n");
    let with_filter = mesh("");
    let on_port = "ports: [8080]}]";
    let from_block = "from: [{ipBlocks: [10.0.0.0/8]}], ";
    for (mesh, first, second) in [
        // RBAC's templates do not match brackets.
        (
            &without_filter,
            format!("effect: Deny, to: [{{paths: [\"/a/{{*}}\"], {on_port}"),
            format!("effect: Deny, to: [{{paths: [\"/a/[0]\"], {on_port}"),
        ),
        (
            &without_filter,
            format!("effect: Deny, to: [{{paths: [\"/a/{{*}}\"], {on_port}"),
            format!("effect: Allow, {WEB}, to: [{{paths: [\"/a/[0]\"], {on_port}"),
        ),
        // The filter does not see the peer's address.
        (
            &with_filter,
            format!("effect: Deny, {from_block}to: [{{paths: [\"/a/{{*}}\"], {on_port}"),
            format!("effect: Deny, {from_block}to: [{{paths: [\"/a/[0]\"], {on_port}"),
        ),
        (
            &with_filter,
            format!("effect: Deny, {from_block}to: [{{paths: [\"/a/{{*}}\"], {on_port}"),
            format!("effect: Allow, {from_block}to: [{{paths: [\"/a/[0]\"], {on_port}"),
        ),
        (
            &with_filter,
            format!("effect: Deny, {from_block}to: [{{hosts: [shop.example], {on_port}"),
            format!("effect: Allow, {from_block}to: [{{hosts: [shop.example], {on_port}"),
        ),
        // One source keeps the whole rule from the filter.
        (
            &with_filter,
            format!(
                "effect: Deny, from: [{{ipBlocks: [10.0.0.0/8]}}, {{namespaces: [a]}}], to: [{{hosts: [x], {on_port}"
            ),
            format!("effect: Deny, from: [{{namespaces: [a]}}], to: [{{hosts: [x], {on_port}"),
        ),
    ] {
        let rules = format!("{SERVICE}rules: [{{id: a, {first}}}, {{id: b, {second}}}]");
        let codes = codes(&[mesh, &of_workload("shop", "cart", &rules)]);
        let is_about = |code: &&str| matches!(*code, "redundant-rule" | "shadowed-rule");
        assert!(!codes.iter().any(is_about), "{first} / {second}: {codes:?}");
    }
    let same_block = "effect: Deny, from: [{ipBlocks: [10.0.0.0/8]}]";
    let within = "effect: Allow, from: [{ipBlocks: [10.1.0.0/16]}]";
    assert_eq!(codes_of_rules(same_block, within), ["shadowed-rule"]);
}

#[test]
fn suggests_removing_the_covered_rule() {
    let help = |first: &str, second: &str| {
        let rules = format!("rules: [{{id: a, {first}}}, {{id: b, {second}}}]");
        let found = found(&[&mesh(""), &of_workload("shop", "cart", &rules)]);
        let [(code, help)] = &*found else {
            panic!("{found:?}");
        };
        assert_eq!(*code, "redundant-rule");
        help.clone()
    };
    let broad = format!("effect: Allow, {WEB}");
    let narrow = format!("effect: Allow, {WEB}, to: [{{methods: [GET]}}]");
    let remove_b = "remove `b`, or narrow `a` if it matches too much";
    let remove_a = "remove `a`, or narrow `b` if it matches too much";
    assert_eq!(help(&broad, &narrow), remove_b);
    assert_eq!(help(&narrow, &broad), remove_a);
    assert_eq!(help(&broad, &broad), "remove one of the two");
}

#[test]
fn reports_one_denial_of_several_rules_once() {
    let allow =
        |id: &str| format!("{{id: {id}, effect: Allow, from: [{{serviceAccounts: [{id}]}}]}}");
    let [web, api] = ["web", "api"].map(allow);
    for (denial, rules) in [
        ("", format!("{web}, {api}")),
        ("", web.clone()),
        (", from: [{namespaces: [shop]}]", format!("{web}, {api}")),
    ] {
        let rules = format!("rules: [{{id: lock, effect: Deny{denial}}}, {rules}]");
        let found = found(&[&mesh(""), &of_workload("shop", "cart", &rules)]);
        let [(code, help)] = &*found else {
            panic!("{found:?}");
        };
        assert_eq!(*code, "shadowed-rule");
        assert!(help.contains("narrow it"), "{help}");
    }
}

#[test]
fn finds_denials_in_another_policy_for_all_workloads() {
    let denying = |attachment: &str| {
        let rules = "rules: [{id: d, effect: Deny, from: [{namespaces: [pay]}]}]";
        policy(
            "shop",
            "all",
            &format!("{attachment}, otherwise: Pass, {rules}"),
        )
    };
    let rules = "rules: [{id: p, effect: Allow, from: [{serviceAccounts: [pay/pay]}]}]";
    let cart = of_workload("shop", "cart", rules);
    for (attachment, is_found) in [
        ("scope: Namespace", true),
        ("selector: {matchLabels: {app: cart}}", true),
        ("scope: Namespace, enforcement: Shadow", false),
        ("selector: {matchLabels: {app: cart, version: v2}}", false),
        ("selector: {matchLabels: {app: orders}}", false),
    ] {
        let found = codes(&[&mesh(""), &denying(attachment), &cart]);
        let is_shadowed = found.contains(&"shadowed-rule");
        assert_eq!(is_shadowed, is_found, "{attachment}: {found:?}");
    }
}

#[test]
fn does_not_suggest_removing_the_rule_of_a_denied_exposure() {
    let mesh = mesh(
        ", gateways: [{name: public, namespace: edge, selector: {matchLabels: {istio: ingressgateway}}, serviceAccount: ingress, servers: [{hosts: [a.example], tls: {secret: a}}]}]",
    );
    let rules = "service: {ports: [{port: 80}]}, exposures: [{gateway: public, hosts: [a.example]}], \
         rules: [{id: g, effect: Allow, from: [{serviceAccounts: [edge/ingress]}]}, {id: d, effect: Deny, from: [{namespaces: [edge]}]}]";
    let found = found(&[&mesh, &of_workload("shop", "cart", rules)]);
    let [(code, help)] = &*found else {
        panic!("{found:?}");
    };
    assert_eq!(*code, "shadowed-rule");
    assert!(
        help.contains("edge/ingress") && help.contains("close the exposure"),
        "{help}"
    );
}

/// Rules with many operations are compared only if their callers may overlap.
#[test]
fn comparing_rules_starts_with_callers_and_is_bounded() {
    let operations: Vec<_> = (0..50)
        .map(|number| format!("{{methods: [GET], paths: [/v1/{number}]}}"))
        .collect();
    let operations = operations.join(", ");
    let found = |caller: &dyn Fn(usize) -> String| {
        let rule = |id: &str, number: usize, operations: &str| {
            let caller = caller(number);
            format!(
                "{{id: {id}, effect: Allow, from: [{{serviceAccounts: [{caller}]}}], to: [{operations}]}}"
            )
        };
        let many = (0..100).map(|number| {
            let own = format!("{{paths: [/own/{number}]}}");
            rule(
                &format!("r{number}"),
                number,
                &format!("{operations}, {own}"),
            )
        });
        let within = rule("within", 0, "{methods: [GET], paths: [/v1/7]}");
        let rules: Vec<_> = many.chain([within]).collect();
        let spec = format!("rules: [{}]", rules.join(", "));
        codes(&[&mesh(""), &of_workload("shop", "cart", &spec)])
    };
    assert_eq!(
        found(&|number| format!("caller-{number}")),
        ["redundant-rule"]
    );
    assert_eq!(found(&|_| "caller".to_owned()), [""; 0]);
}

#[test]
fn repeated_rules_are_found_in_large_policies() {
    let rules: Vec<_> = (0..300)
        .map(|number| {
            let path = number % 299;
            format!("{{id: r{number}, effect: Allow, {WEB}, to: [{{paths: [/a/{path}]}}]}}")
        })
        .collect();
    let cart = of_workload("shop", "cart", &format!("rules: [{}]", rules.join(", ")));
    assert_eq!(codes(&[&mesh(""), &cart]), ["redundant-rule"]);
}
