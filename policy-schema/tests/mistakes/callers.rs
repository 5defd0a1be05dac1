//! Service accounts and namespaces that no document declares.

use super::{codes, found, mesh, of_workload};

/// The findings about a rule of `shop/cart` with this source, next to workloads that declare their
/// accounts.
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
fn finds_a_misspelled_caller_in_every_field() {
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
fn does_not_suggest_an_account_of_another_namespace() {
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
fn finds_swapped_namespace_and_account() {
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
fn an_exception_does_not_declare_its_namespace() {
    let mesh = mesh(
        ", mtls: {mode: Strict, exceptions: [{name: scrape, namespace: paymnets, owner: o, notAfter: \"2100-01-01T00:00:00Z\"}]}",
    );
    let found = found_of_source(&mesh, "from: [{namespaces: [paymnets]}]");
    let help = "did you mean `payments`?".to_owned();
    assert!(found.contains(&("unknown-namespace", help)), "{found:?}");
}

#[test]
fn requires_a_declared_account_for_network_policies() {
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
    // One declaration fixes all.
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
fn finds_a_single_policy_in_a_misspelled_namespace() {
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
