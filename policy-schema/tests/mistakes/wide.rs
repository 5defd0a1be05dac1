//! Policies that open or close more than they seem to.

use super::{SERVICE, codes, mesh, of_workload, policy};

#[test]
fn finds_ineffective_pass_in_a_default_deny_mesh() {
    let open = mesh(", defaults: {otherwise: Pass}");
    let pass = "otherwise: Pass, rules: []";
    let cart = of_workload("shop", "cart", pass);
    assert_eq!(codes(&[&mesh(""), &cart]), ["ineffective-pass"]);
    assert_eq!(codes(&[&open, &cart]), [""; 0]);
    let target = format!("targetRefs: [{{kind: Service, name: cart}}], {pass}");
    let waypoint = policy("shop", "cart", &target);
    assert_eq!(codes(&[&mesh(""), &waypoint]), ["ineffective-pass"]);
    let shadow = of_workload("shop", "cart", &format!("enforcement: Shadow, {pass}"));
    assert_eq!(codes(&[&mesh(""), &shadow]), [""; 0]);
    // A policy in shadow needs an object that allows everything.
    let passing = of_workload("shop", "cart", &format!("enforcement: Shadow, {pass}"));
    let other = passing.replace("name: cart, n", "name: cart-shadow, n");
    assert_ne!(other, passing);
    assert_eq!(
        codes(&[&mesh(""), &cart, &other]),
        ["overlapping-selectors"]
    );
    let elsewhere = "selector: {matchLabels: {tier: front}}, enforcement: Shadow, rules: []";
    let at_some = policy("shop", "front", elsewhere);
    assert_eq!(codes(&[&mesh(""), &cart, &at_some]), ["ineffective-pass"]);
    // A policy that leaves the decision to another one for the workload.
    let guardrail = policy("shop", "all", &format!("scope: Namespace, {pass}"));
    let closed = of_workload("shop", "cart", "rules: []");
    assert_eq!(codes(&[&mesh(""), &guardrail, &closed]), [""; 0]);
    let deciding = policy("shop", "all", "scope: Namespace, rules: []");
    assert_eq!(codes(&[&mesh(""), &deciding, &cart]), [""; 0]);
}

#[test]
fn an_allow_rule_that_opens_several_workloads_is_found() {
    let [a, b] = ["orders", "web"].map(|name| of_workload("shop", name, "rules: []"));
    let wide = |rule: &str| {
        let rules = format!("scope: Namespace, rules: [{{id: r, {rule}}}]");
        codes(&[&mesh(""), &a, &b, &policy("shop", "all", &rules)])
    };
    let from = "from: [{serviceAccounts: [monitoring/prometheus]}]";
    assert_eq!(wide(&format!("effect: Allow, {from}")), ["wide-allow"]);
    assert_eq!(wide("effect: Allow"), ["wide-allow"]);
    for rule in [
        format!("effect: Allow, {from}, to: [{{paths: [/metrics]}}]"),
        format!("effect: Allow, {from}, when: [{{key: destination.port, values: [\"9090\"]}}]"),
        format!("effect: Allow, enforcement: Shadow, {from}"),
        format!("effect: Deny, {from}, to: [{{ports: [9090]}}]"),
    ] {
        assert_eq!(wide(&rule), [""; 0], "{rule}");
    }
    let rules = format!("scope: Namespace, rules: [{{id: r, effect: Allow, {from}}}]");
    assert_eq!(
        codes(&[&mesh(""), &a, &policy("shop", "all", &rules)]),
        [""; 0]
    );
    let passing = of_workload("shop", "web", "otherwise: Pass, rules: []");
    let found = codes(&[&mesh(""), &a, &passing, &policy("shop", "all", &rules)]);
    assert_eq!(found, [""; 0]);
}

#[test]
fn several_providers_need_a_setting_from_istio_1_30_on() {
    let rule = |id: &str, provider: &str| {
        format!("{{id: {id}, effect: Custom, provider: {provider}, to: [{{paths: [/{id}]}}]}}")
    };
    let cart = |second: &str| {
        let rules = format!("{SERVICE}rules: [{}, {second}]", rule("a", "one"));
        of_workload("shop", "cart", &rules)
    };
    let two = cart(&rule("b", "two"));
    assert_eq!(codes(&[&mesh(""), &two]), ["several-providers"]);
    let before = mesh("").replace("1.30", "1.29");
    assert_eq!(codes(&[&before, &two]), ["unsupported-by-istio"]);
    assert_eq!(codes(&[&mesh(""), &cart(&rule("b", "one"))]), [""; 0]);
}
