//! Mistakes across documents and between rules that validation warns about, and what it leaves alone.

#![cfg(feature = "authoring")]

use policy_schema::diagnostic::SourceText;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, validate};

/// The codes and remedies of what is found, in the order of the text.
fn found(texts: &[&str]) -> Vec<(&'static str, String)> {
    let sources: Vec<_> = texts
        .iter()
        .map(|text| SourceText {
            name: "policy.yaml".to_owned(),
            text: (*text).to_owned(),
        })
        .collect();
    let options = Options {
        at: Timestamp::from_unix_nanoseconds(1_780_000_000_000_000_000),
        istio_version: None,
    };
    let found = validate(&sources, options).diagnostics;
    let found = found.into_iter();
    found
        .map(|found| (found.code.as_str(), found.help))
        .collect()
}

fn codes(texts: &[&str]) -> Vec<&'static str> {
    found(texts).into_iter().map(|(code, _)| code).collect()
}

fn mesh(spec: &str) -> String {
    format!(
        "apiVersion: peergate.dev/v1alpha1\nkind: Mesh\nmetadata: {{name: test}}\n\
         spec: {{trustDomain: cluster.local, trustDomainAliases: [old.example], istioVersion: \"1.30\",\n\
         filter: {{image: oci://registry.example.com/filter@sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef}}{spec}}}\n"
    )
}

fn policy(namespace: &str, name: &str, spec: &str) -> String {
    format!(
        "apiVersion: peergate.dev/v1alpha1\nkind: ServicePolicy\n\
         metadata: {{name: {name}, namespace: {namespace}}}\nspec: {{{spec}}}\n"
    )
}

/// A policy for the workload of its name.
fn of_workload(namespace: &str, name: &str, spec: &str) -> String {
    let selector = format!("selector: {{matchLabels: {{app: {name}}}}}, {spec}");
    policy(namespace, name, &selector)
}

/// What is found of one rule of `shop/cart` with this source, beside workloads that declare their accounts.
fn found_of_source(mesh: &str, source: &str) -> Vec<(&'static str, String)> {
    let rules = format!("rules: [{{id: r, effect: Allow, {source}}}]");
    let cart = of_workload(
        "shop",
        "cart",
        &format!("serviceAccount: shop-cart, {rules}"),
    );
    let web = of_workload("shop", "web", "serviceAccount: shop-web, rules: []");
    let pay = of_workload("payments", "pay", "serviceAccount: ledger, rules: []");
    found(&[mesh, &cart, &web, &pay])
}

#[test]
fn a_misspelt_caller_is_found_wherever_a_rule_names_it() {
    let account = "unknown-service-account";
    for (source, code, meant) in [
        (
            "from: [{serviceAccounts: [shop-wbe]}]",
            account,
            "shop/shop-web",
        ),
        (
            "from: [{serviceAccounts: [shopweb]}]",
            account,
            "shop/shop-web",
        ),
        (
            "from: [{serviceAccounts: [payments/legder]}]",
            account,
            "payments/ledger",
        ),
        // The names of workloads.
        ("from: [{serviceAccounts: [web]}]", account, "shop/shop-web"),
        (
            "from: [{serviceAccounts: [payments/pay]}]",
            account,
            "payments/ledger",
        ),
        (
            "from: [{notServiceAccounts: [shop-wbe], namespaces: [shop]}]",
            account,
            "shop/shop-web",
        ),
        (
            "from: [{principals: [cluster.local/ns/shop/sa/shop-wbe]}]",
            account,
            "shop/shop-web",
        ),
        (
            "from: [{principals: [old.example/ns/shop/sa/shop-wbe]}]",
            account,
            "shop/shop-web",
        ),
        (
            "when: [{key: source.principal, values: [cluster.local/ns/shop/sa/shop-wbe]}]",
            account,
            "shop/shop-web",
        ),
        (
            "from: [{principals: [cluster.local/ns/shop/shop-web]}]",
            account,
            "/ns/shop/sa/shop-web",
        ),
        (
            "from: [{serviceAccounts: [shpo/shop-web]}]",
            "unknown-namespace",
            "shop",
        ),
        ("from: [{namespaces: [shpo]}]", "unknown-namespace", "shop"),
        (
            "from: [{notNamespaces: [shpo]}]",
            "unknown-namespace",
            "shop",
        ),
        (
            "from: [{principals: [\"cluster.local/ns/shpo/*\"]}]",
            "unknown-namespace",
            "shop",
        ),
        (
            "from: [{principals: [\"cluster.local/ns/shpo/sa/*\"]}]",
            "unknown-namespace",
            "shop",
        ),
        (
            "when: [{key: source.namespace, values: [paymnets]}]",
            "unknown-namespace",
            "payments",
        ),
    ] {
        let expected = (code, format!("did you mean `{meant}`?"));
        assert_eq!(found_of_source(&mesh(""), source), [expected], "{source}");
    }
}

#[test]
fn callers_without_a_policy_are_no_mistake() {
    for source in [
        "from: [{serviceAccounts: [backup-job]}]",
        "from: [{serviceAccounts: [shop-api]}]",
        "from: [{serviceAccounts: [default]}]",
        "from: [{serviceAccounts: [monitoring/prometheus]}]",
        "from: [{serviceAccounts: [monitoring/shop-web]}]",
        // Other workloads of the same name.
        "from: [{serviceAccounts: [payments/shop-web]}]",
        "from: [{serviceAccounts: [shop-web, shop-webs]}]",
        "from: [{namespaces: [monitoring]}]",
        "from: [{namespaces: [\"shpo*\"]}]",
        "from: [{principals: [\"cluster.local/ns/sh*\"]}]",
        "from: [{principals: [cluster.local/spire/agent]}]",
        "from: [{serviceAccounts: [shop-web, payments/ledger]}]",
    ] {
        assert_eq!(found_of_source(&mesh(""), source), [], "{source}");
    }
}

#[test]
fn an_account_that_another_namespace_alone_has_is_not_suggested() {
    let rules = "serviceAccount: cart, rules: [{id: r, effect: Allow, from: [{serviceAccounts: [ledger]}]}]";
    let cart = of_workload("shop", "cart", rules);
    let pay = of_workload("payments", "pay", "serviceAccount: ledger, rules: []");
    let other = of_workload("shop", "other", "rules: []");
    let texts = [&*mesh(""), &cart, &pay, &other];
    assert_eq!(codes(&texts), [""; 0]);
    let found = found(&texts[..3]);
    let [(code, help)] = &*found else {
        panic!("{found:?}");
    };
    assert_eq!(*code, "unknown-service-account");
    assert!(!help.contains("payments"), "{help}");
    let qualified = cart.replace("[ledger]", "[payments/ledger, ledger]");
    assert_eq!(codes(&[texts[0], &qualified, &pay]), [""; 0]);
}

#[test]
fn a_namespace_and_an_account_in_the_wrong_order_are_found() {
    let found = found_of_source(&mesh(""), "from: [{serviceAccounts: [ledger/payments]}]");
    let [(code, help)] = &*found else {
        panic!("{found:?}");
    };
    assert_eq!(*code, "unknown-service-account");
    assert!(help.contains("`payments/ledger`"), "{help}");
}

#[test]
fn the_same_unknown_caller_in_two_spellings_is_reported_once() {
    let found = found_of_source(
        &mesh(""),
        "when: [{key: source.serviceAccount, values: [shop/shop-wbe, shop-wbe]}]",
    );
    let codes: Vec<_> = found.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, ["unknown-service-account", "duplicate-value"]);
}

#[test]
fn an_exception_from_mutual_tls_makes_no_namespace_known() {
    let mesh = mesh(
        ", mtls: {mode: Strict, exceptions: [{name: scrape, namespace: paymnets, owner: o, notAfter: \"2100-01-01T00:00:00Z\"}]}",
    );
    let found = found_of_source(&mesh, "from: [{namespaces: [paymnets]}]");
    let help = "did you mean `payments`?".to_owned();
    assert!(found.contains(&("unknown-namespace", help)), "{found:?}");
}

#[test]
fn an_account_whose_packets_a_whole_namespace_could_send_must_be_declared() {
    let mesh = mesh(", networkPolicies: true");
    let unknown = "from: [{serviceAccounts: [backup-job]}]";
    let found = found_of_source(&mesh, unknown);
    let [(code, help)] = &*found else {
        panic!("{found:?}");
    };
    assert_eq!(*code, "unknown-service-account");
    assert!(help.contains("serviceAccount: backup-job"), "{help}");
    assert!(help.contains("with `rules: []`,"), "{help}");
    let open = self::mesh(", networkPolicies: true, defaults: {otherwise: Pass}");
    let found = found_of_source(&open, unknown);
    let help = &found[0].1;
    assert!(help.contains("`otherwise: Pass` and `rules: []`"), "{help}");
    // One declaration mends it everywhere.
    let rule =
        |id: &str| format!("{{id: {id}, effect: Allow, {unknown}, to: [{{paths: [/{id}]}}]}}");
    let rules = format!(
        "serviceAccount: shop-cart, rules: [{}, {}]",
        rule("a"),
        rule("b")
    );
    let cart = of_workload("shop", "cart", &rules);
    let web = of_workload(
        "shop",
        "web",
        &format!("serviceAccount: web, rules: [{}]", rule("c")),
    );
    assert_eq!(codes(&[&*mesh, &cart, &web]), ["unknown-service-account"]);
    for source in [
        "from: [{serviceAccounts: [monitoring/prometheus]}]",
        "from: [{notServiceAccounts: [backup-job], namespaces: [shop]}]",
        "enforcement: Shadow, from: [{serviceAccounts: [backup-job]}]",
    ] {
        assert_eq!(found_of_source(&mesh, source), [], "{source}");
    }
}

#[test]
fn a_policy_alone_in_a_namespace_that_is_like_another_is_found() {
    let policies: Vec<_> = ["shop", "shop", "shpo"]
        .into_iter()
        .zip(["a", "b", "c"])
        .map(|(namespace, name)| of_workload(namespace, name, "rules: []"))
        .collect();
    let mesh = mesh("");
    let [first, second, misspelt] = &*policies else {
        panic!("three policies");
    };
    let texts = [&*mesh, first, second, misspelt];
    assert_eq!(codes(&texts), ["unknown-namespace"]);
    let another = of_workload("shpo", "d", "rules: []");
    assert_eq!(codes(&[&texts[..], &[&another]].concat()), [""; 0]);
    assert_eq!(codes(&[&mesh, first, misspelt]), [""; 0]);
}

const SERVICE: &str = "service: {ports: [{port: 80, targetPort: 8080}, {port: 9000}]}, ";

fn codes_of_rule(spec: &str, rule: &str) -> Vec<&'static str> {
    let rules = format!("{spec}rules: [{{id: r, {rule}}}]");
    codes(&[&mesh(""), &of_workload("shop", "cart", &rules)])
}

#[test]
fn ports_that_the_workload_does_not_have_are_found() {
    for rule in [
        "effect: Allow, to: [{ports: [80]}]",
        "effect: Allow, to: [{ports: [9000, 8008]}]",
        "effect: Allow, to: [{notPorts: [80]}]",
        "effect: Deny, to: [{ports: [80]}]",
        "effect: Allow, when: [{key: destination.port, values: [\"80\"]}]",
        "effect: Allow, when: [{key: destination.port, values: [\"8800\"]}]",
        "effect: Allow, when: [{key: destination.port, notValues: [\"80\"]}]",
    ] {
        assert_eq!(codes_of_rule(SERVICE, rule), ["unknown-port"], "{rule}");
    }
}

#[test]
fn ports_that_are_there_or_not_described_are_no_mistake() {
    let all = "effect: Allow, to: [{ports: [8080, 9000, 15020]}]";
    let tcp = format!("{SERVICE}tcpPorts: [6379], ");
    for (spec, rule) in [
        (SERVICE, all),
        (&*tcp, "effect: Allow, to: [{ports: [6379]}]"),
        ("", "effect: Allow, to: [{ports: [80]}]"),
        ("tcpPorts: [6379], ", "effect: Allow, to: [{ports: [80]}]"),
        // Exporters have no service.
        (SERVICE, "effect: Allow, to: [{ports: [9102]}]"),
        (
            SERVICE,
            "effect: Allow, when: [{key: destination.port, values: [\"8081\"]}]",
        ),
        // It need not be there to be left out.
        (SERVICE, "effect: Allow, to: [{notPorts: [9090]}]"),
    ] {
        assert_eq!(codes_of_rule(spec, rule), [""; 0], "{spec} {rule}");
    }
}

#[test]
fn ports_of_other_policies_for_the_workload_and_of_exceptions_are_known() {
    let rule = "rules: [{id: r, effect: Allow, to: [{ports: [9009]}]}]";
    let service = SERVICE.replace("9000", "9000}, {port: 9090");
    let cart = of_workload("shop", "cart", &format!("{service}{rule}"));
    assert_eq!(codes(&[&mesh(""), &cart]), ["unknown-port"]);
    let exception = mesh(
        ", mtls: {mode: Strict, exceptions: [{name: scrape, namespace: shop, selector: {matchLabels: {app: cart}}, ports: [9009], owner: o, notAfter: \"2100-01-01T00:00:00Z\"}]}",
    );
    assert_eq!(codes(&[&exception, &cart]), [""; 0]);
    let everywhere = policy(
        "shop",
        "all",
        "scope: Namespace, tcpPorts: [9009], rules: []",
    );
    assert_eq!(codes(&[&mesh(""), &cart, &everywhere]), [""; 0]);
    // A policy for the namespace is about workloads that no document describes too.
    let plain = of_workload("shop", "cart", &format!("{SERVICE}rules: []"));
    for (port, codes_expected) in [("9999", &[][..]), ("80", &["unknown-port"])] {
        let rule = format!(
            "scope: Namespace, rules: [{{id: r, effect: Allow, to: [{{ports: [{port}]}}]}}]"
        );
        let everywhere = policy("shop", "all", &rule);
        assert_eq!(
            codes(&[&mesh(""), &plain, &everywhere]),
            codes_expected,
            "{port}"
        );
        // It may be the port of a workload that has no service.
        let other = of_workload("shop", "other", "rules: []");
        assert_eq!(codes(&[&mesh(""), &plain, &everywhere, &other]), [""; 0]);
    }
}

#[test]
fn a_service_port_in_tcp_ports_is_found() {
    let service = "service: {ports: [{port: 5432, targetPort: 15432}]}, ";
    let rule = "effect: Allow, to: [{ports: [5432]}]";
    let tcp = format!("{service}tcpPorts: [5432], ");
    assert_eq!(codes_of_rule(&tcp, rule), ["unknown-port"; 2]);
    let tcp = format!("{service}tcpPorts: [15432, 9187], ");
    assert_eq!(codes_of_rule(&tcp, "effect: Allow"), [""; 0]);
}

#[test]
fn a_service_port_that_may_be_right_elsewhere_is_added_to() {
    let plain = of_workload("shop", "cart", &format!("{SERVICE}rules: []"));
    let rule = "scope: Namespace, rules: [{id: r, effect: Deny, to: [{ports: [80]}]}]";
    let found = found(&[&mesh(""), &plain, &policy("shop", "all", rule)]);
    let [(code, help)] = &*found else {
        panic!("{found:?}");
    };
    assert_eq!(*code, "unknown-port");
    assert!(help.starts_with("add 8080"), "{help}");
}

#[test]
fn pass_is_found_where_the_mesh_denies_after_all() {
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
    // For a policy in shadow an object allows everything.
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
fn misspelt_labels_are_found() {
    let labelled = |name: &str, labels: &str| {
        policy(
            "shop",
            name,
            &format!("selector: {{matchLabels: {{{labels}}}}}, rules: []"),
        )
    };
    let [a, b] = ["orders", "web"].map(|name| labelled(name, &format!("app: {name}")));
    for (labels, is_found) in [
        ("app: cart", false),
        ("ap: cart", true),
        ("app: crat", true),
        ("app: checkout", false),
        ("app: cart-v2", false),
        ("app: ca-rt", false),
        ("tier: cart", false),
        ("app: cart, apps: cart", false),
    ] {
        let found = codes(&[&mesh(""), &a, &b, &labelled("cart", labels)]);
        let expected: &[&str] = if is_found { &["unknown-label"] } else { &[] };
        assert_eq!(found, expected, "{labels}");
    }
    // One policy is no custom.
    assert_eq!(
        codes(&[&mesh(""), &a, &labelled("cart", "ap: cart")]),
        [""; 0]
    );
}

#[test]
fn misspelt_targets_are_found() {
    let mesh = mesh(
        ", gateways: [{name: public, namespace: edge, api: Kubernetes, servers: [{hosts: [a.example], tls: {secret: a}}]}]",
    );
    let gateway = "group: gateway.networking.k8s.io, kind: Gateway";
    for (namespace, target, is_found) in [
        ("edge", format!("{gateway}, name: public"), false),
        ("edge", format!("{gateway}, name: pubilc"), true),
        ("edge", format!("{gateway}, name: waypoint"), false),
        ("shop", format!("{gateway}, name: public"), true),
        ("shop", format!("{gateway}, name: waypoint"), false),
        ("shop", "kind: Service, name: cart".to_owned(), false),
        ("shop", "kind: Service, name: crat".to_owned(), true),
        ("shop", "kind: Service, name: orders".to_owned(), false),
    ] {
        let cart = of_workload("shop", "cart", "service: {ports: [{port: 80}]}, rules: []");
        let policy = policy(
            namespace,
            "p",
            &format!("targetRefs: [{{{target}}}], rules: []"),
        );
        let found = codes(&[&mesh, &cart, &policy]);
        let expected: &[&str] = if is_found { &["unknown-target"] } else { &[] };
        assert_eq!(found, expected, "{namespace}: {target}");
    }
}

#[test]
fn denials_by_path_with_a_way_round_are_found() {
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
        // Who may call is denied nothing.
        format!("rules: [{{id: v1, effect: Allow}}, {denial}]")
            .replace("to:", "from: [{namespaces: [audit]}], to:"),
        all_of_v1.replace("Deny,", "Deny, enforcement: Shadow,"),
        all_of_v1.replace("Allow,", "Allow, enforcement: Shadow,"),
        all_of_v1.replace("Deny,", "Deny, notAfter: \"2020-01-01T00:00:00Z\","),
    ] {
        assert!(!is_evadable("Base", &safe), "{safe}");
    }
    for unsafe_rules in [
        // The caller that may call is one whom the rule denies.
        all_of_v1.replace("Allow, to:", "Allow, from: [{serviceAccounts: [web]}], to:"),
        all_of_v1.replace("Deny, to:", "Deny, from: [{notNamespaces: [ops]}], to:"),
        // One segment, as `/v1/internal%2Fx` is.
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
fn paths_that_no_rule_sees_are_no_way_round() {
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
fn a_denial_for_all_workloads_is_judged_by_what_each_of_them_allows() {
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

/// What is found of two rules of one policy.
fn codes_of_rules(first: &str, second: &str) -> Vec<&'static str> {
    let rules = format!("{SERVICE}rules: [{{id: a, {first}}}, {{id: b, {second}}}]");
    codes(&[&mesh(""), &of_workload("shop", "cart", &rules)])
}

const WEB: &str = "from: [{serviceAccounts: [web]}]";

#[test]
fn rules_within_others_are_found() {
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
fn rules_that_do_something_of_their_own_are_no_mistake() {
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
fn an_allow_rule_wholly_under_a_denial_is_found() {
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
fn rules_that_one_enforcement_point_reads_more_narrowly_are_no_mistake() {
    let without_filter = mesh("");
    let (before, _) = without_filter.split_once("filter:").expect("a filter");
    let without_filter = format!("{before}}}\n");
    let with_filter = mesh("");
    let on_port = "ports: [8080]}]";
    let from_block = "from: [{ipBlocks: [10.0.0.0/8]}], ";
    for (mesh, first, second) in [
        // RBAC's templates leave out brackets.
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
        // The filter is not told the peer's address.
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
        // One source takes the whole rule from the filter.
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
fn the_rule_to_remove_is_the_one_within_the_other() {
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
    let remove_b = "remove `b`, or narrow `a` if it takes too much";
    let remove_a = "remove `a`, or narrow `b` if it takes too much";
    assert_eq!(help(&broad, &narrow), remove_b);
    assert_eq!(help(&narrow, &broad), remove_a);
    assert_eq!(help(&broad, &broad), "remove one of the two");
}

#[test]
fn one_denial_over_several_rules_is_told_once() {
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
fn a_denial_of_another_policy_for_all_its_workloads_is_found() {
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
fn a_denial_that_closes_an_exposure_is_not_answered_by_removing_its_rule() {
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

/// Rules with many operations, which are compared with each other only if the callers may be the same.
#[test]
fn comparing_rules_starts_with_callers_and_has_an_end() {
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

#[test]
fn misspelt_values_of_labels_are_found_where_other_documents_confirm_the_right_one() {
    let selecting = |name: &str, labels: &str, rest: &str| {
        let selector = format!("selector: {{matchLabels: {{{labels}}}}}, {rest}rules: []");
        policy("shop", name, &selector)
    };
    let gateway = mesh(
        ", gateways: [{name: public, namespace: shop, selector: {matchLabels: {istio: ingressgateway}}, serviceAccount: ingress, servers: [{hosts: [a.example], tls: {secret: a}}]}]",
    );
    let cart = selecting("cart", "app: cart", "");
    for (name, labels, rest, is_found) in [
        ("cart-admin", "app: crat", "", true),
        ("cart-v3", "app: crat, version: v3", "", true),
        ("gateway", "istio: ingresgateway", "", true),
        ("gateway", "istio: ingressgateway", "", false),
        ("cart-v2", "app: cart", "", false),
        ("carts", "app: carts", "", false),
        // The policy says so twice.
        ("crat", "app: crat", "", false),
        (
            "cart-v2",
            "app: cart",
            "service: {ports: [{port: 80}], subsets: [{name: v2, selector: {matchLabels: {app: crat, version: v2}}}]}, ",
            true,
        ),
        (
            "cart-v2",
            "app: cart",
            "service: {ports: [{port: 80}], subsets: [{name: v2, selector: {matchLabels: {app: cart, version: v2}}}]}, ",
            false,
        ),
    ] {
        let found = codes(&[&gateway, &cart, &selecting(name, labels, rest)]);
        let found = found.contains(&"unknown-label");
        assert_eq!(found, is_found, "{name}: {labels} {rest}");
    }
    let everywhere =
        "scope: Mesh, selector: {matchLabels: {app: crat}}, otherwise: Pass, rules: []";
    let everywhere = policy("istio-system", "all", everywhere);
    assert_eq!(codes(&[&mesh(""), &cart, &everywhere]), ["unknown-label"]);
}

#[test]
fn exceptions_from_mutual_tls_and_gateways_that_are_for_nothing_are_found() {
    let service = "service: {ports: [{port: 80, targetPort: 8080}]}, rules: []";
    let cart = of_workload("shop", "cart", service);
    let orders = of_workload("shop", "orders", "rules: []");
    let of_exception = |exception: &str| {
        let mesh = mesh(&format!(
            ", mtls: {{mode: Strict, exceptions: [{{name: x, {exception}, owner: o, notAfter: \"2100-01-01T00:00:00Z\"}}]}}"
        ));
        codes(&[&mesh, &cart, &orders])
    };
    for (exception, expected) in [
        ("namespace: shpo", &["unknown-namespace"][..]),
        ("namespace: monitoring", &[]),
        (
            "namespace: shop, selector: {matchLabels: {app: crat}}",
            &["unknown-label"],
        ),
        (
            "namespace: shop, selector: {matchLabels: {app: legacy}}",
            &[],
        ),
        (
            "namespace: shop, selector: {matchLabels: {app: cart}}, ports: [80]",
            &["unknown-port"],
        ),
        (
            "namespace: shop, selector: {matchLabels: {app: cart}}, ports: [8080, 9102]",
            &[],
        ),
    ] {
        assert_eq!(of_exception(exception), expected, "{exception}");
    }
    let gateway = |namespace: &str| {
        let mesh = mesh(&format!(
            ", gateways: [{{name: public, namespace: {namespace}, selector: {{matchLabels: {{istio: ingressgateway}}}}, serviceAccount: ingress, servers: [{{hosts: [a.example], tls: {{secret: a}}}}]}}]"
        ));
        codes(&[&mesh, &cart, &orders])
    };
    assert_eq!(gateway("shpo"), ["unknown-namespace"]);
    assert_eq!(gateway("edge"), [""; 0]);
}

#[test]
fn misspelt_providers_are_found() {
    let cart = |provider: &str| {
        let rules = format!(
            "{SERVICE}rules: [{{id: x, effect: Custom, provider: {provider}, to: [{{paths: [/x]}}]}}]"
        );
        of_workload("shop", "cart", &rules)
    };
    let mesh = |logs: &str| {
        mesh(&format!(
            ", extensionProviders: [{{name: opa-grpc, api: ExtAuthzGrpc, service: opa.authz.svc.cluster.local, port: 9191}}, \
             {{name: otel-logs, api: OpenTelemetryLogs, service: c.o.svc.cluster.local, port: 4317}}], \
             telemetry: {{accessLog: {{requests: Denied, provider: {logs}}}}}"
        ))
    };
    for (provider, logs, is_found) in [
        ("opa-grpc", "otel-logs", false),
        ("other", "envoy", false),
        ("opa-grcp", "otel-logs", true),
        ("Opa-grpc", "otel-logs", true),
        ("opa-grpc", "otel-lgos", true),
    ] {
        let found = codes(&[&mesh(logs), &cart(provider)]);
        let expected: &[&str] = if is_found { &["unknown-provider"] } else { &[] };
        assert_eq!(found, expected, "{provider} {logs}");
    }
}

#[test]
fn a_misspelt_gateway_of_an_exposure_is_suggested() {
    let mesh = mesh(
        ", gateways: [{name: public, namespace: edge, selector: {matchLabels: {istio: ingressgateway}}, serviceAccount: ingress, servers: [{hosts: [a.example], tls: {secret: a}}]}]",
    );
    let spec = "service: {ports: [{port: 80}]}, exposures: [{gateway: pubilc, hosts: [a.example]}], rules: []";
    let found = found(&[&mesh, &of_workload("shop", "cart", spec)]);
    let help = "did you mean `public`?".to_owned();
    assert_eq!(found, [("unknown-gateway", help)]);
}
