//! Names of policies and rules, and the originals that they replace.

use policy_schema::import::Replaced;

use super::messages;
use super::objects::{OF_CART, OF_WEB, UNSAID, import};

/// In the language, each target has one policy.
#[test]
fn overlapping_targets_become_a_policy_each() {
    let of = |targets: &str, rule: &str| {
        let targets = targets
            .split(',')
            .map(|name| format!("{{kind: Service, name: {name}}}"));
        let targets: Vec<_> = targets.collect();
        format!(
            "{{targetRefs: [{}], rules: [{{to: [{{operation: {{paths: [{rule}]}}}}]}}]}}",
            targets.join(", ")
        )
    };
    let imported = import(&[
        ("shop/a", &of("cart,pay,web,api", "/a")),
        ("shop/b", &of("pay", "/b")),
        ("shop/c", &of("web,api", "/c")),
    ]);
    let documents = imported.documents.as_ref().expect("they are imported");
    let found: Vec<_> = documents
        .policies
        .iter()
        .map(|policy| {
            let document = &policy.document;
            let targets = document.spec.target_refs.as_ref().unwrap().iter();
            let targets: Vec<_> = targets.map(|target| &*target.name).collect();
            let rules = document
                .spec
                .rules
                .iter()
                .filter(|rule| !rule.id.ends_with("-anonymous"));
            let paths = rules.map(|rule| {
                let operations = rule.to.as_ref().unwrap();
                operations[0].paths.as_ref().unwrap().join(",")
            });
            let paths: Vec<_> = paths.collect();
            format!(
                "{}: {} {}",
                document.metadata.name,
                targets.join(","),
                paths.join(" ")
            )
        })
        .collect();
    assert_eq!(
        found,
        ["a: api,web /a /c", "a-cart: cart /a", "a-pay: pay /a /b"],
        "{}",
        messages(&imported)
    );
    assert_eq!(
        documents.replaced,
        [Replaced {
            namespace: "shop".to_owned(),
            names: ["a", "b", "c"].map(str::to_owned).to_vec()
        }]
    );
}

#[test]
fn chooses_meaningful_names_that_overwrite_no_object() {
    let long = "allow-ingress-to-orders-metrics-from-ns-monitoring-with-identity-prometheus";
    let two = "{selector: {matchLabels: {app: cart}}, rules: [{to: [{operation: {paths: [/a/b]}}]}, {from: [{source: {namespaces: [ops]}}]}, {}, {}]}";
    for (objects, expected) in [
        (&[("shop/cart", OF_CART)][..], "cart(cart)"),
        (&[("shop/cart-allow", OF_CART)], "cart(cart)"),
        (
            &[(
                "shop/cart-deny",
                "{selector: {matchLabels: {app: cart}}, action: DENY, rules: [{}]}",
            )],
            "cart(cart)",
        ),
        (&[("shop/cart", two)], "cart(a-b,ops,cart-3,cart-4)"),
        (&[("shop/cart.v1", OF_CART)], "cart.v1(cart-v1)"),
        (
            &[(&*format!("shop/{long}"), OF_CART)],
            &*format!("{long}({})", long.get(..63).unwrap()),
        ),
        // Rendered objects would overwrite an original of other workloads, of another action, a
        // part of a large one, or one that is not imported.
        (
            &[("shop/b", OF_CART), ("shop/b-allow-2", OF_WEB)],
            "b-2(b),b-allow-2(b-allow-2)",
        ),
        (
            &[
                ("shop/b", OF_CART),
                (
                    "shop/b-allow",
                    "{selector: {matchLabels: {app: cart}}, action: DENY, rules: [{}]}",
                ),
            ],
            "b-2(b,b-allow)",
        ),
        (
            &[
                ("shop/b", OF_CART),
                (
                    "shop/b-deny",
                    "{selector: {matchLabels: {app: vault}}, rules: 5}",
                ),
            ],
            "b-2(b)",
        ),
        (
            &[("shop/b", OF_CART), ("shop/b-allow", OF_WEB)],
            "b(b),b-2(b)",
        ),
    ] {
        let imported = import(objects);
        let documents = imported.documents.as_ref().unwrap();
        let mut names: Vec<_> = documents
            .policies
            .iter()
            .map(|policy| {
                let rules = policy.document.spec.rules.iter();
                // In a permissive mesh each rule has a part for callers without identity.
                let ids = rules
                    .map(|rule| &*rule.id)
                    .filter(|id| !id.ends_with("-anonymous"));
                let ids: Vec<_> = ids.collect();
                format!("{}({})", policy.document.metadata.name, ids.join(","))
            })
            .collect();
        names.sort();
        assert_eq!(names.join(","), expected, "{}", messages(&imported));
    }
}

#[test]
fn deletes_originals_that_no_rendered_object_overwrites() {
    let deny = "{selector: {matchLabels: {app: cart}}, action: DENY, rules: [{}]}";
    let imported = import(&[
        ("shop/no-cart", deny),
        ("shop/cart", OF_CART),
        ("shop/web-allow", OF_WEB),
        ("bank/a", UNSAID),
        ("bank/b", OF_WEB),
    ]);
    let documents = imported.documents.unwrap();
    let replaced: Vec<_> = documents
        .replaced
        .iter()
        .map(|replaced| format!("{}: {}", replaced.namespace, replaced.names.join(" ")))
        .collect();
    assert_eq!(replaced, ["bank: b", "shop: cart", "shop: no-cart"]);
}
