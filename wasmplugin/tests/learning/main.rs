//! `peergate learn` reproduces the rules of the example shop from the access logs of real proxies.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what the tests share may fail as the tests do"
)]

mod counters;
#[path = "../support/filter.rs"]
mod filter;
mod prometheus;
#[path = "../support/scraping.rs"]
mod scraping;
mod shop;

use serde_json::{Value, json};

use scraping::scraping;
use shop::{Call, MESH, SHOP, Sidecar, answers, learn, learn_from, plugin_config, run};

const ROUNDS: usize = 5;

/// A policy in shadow without rules: it would deny every request, and lets every request pass.
fn shadow_without_rules(mut config: Value) -> Value {
    config["enforcement"] = json!("Shadow");
    config["rules"] = json!([]);
    config
}

fn service(name: &str) -> String {
    format!("spiffe://cluster.local/ns/boutique/sa/{name}")
}

/// The arguments for a new policy in the shop's mesh.
fn new_policy_args(policy: &str) -> [&str; 6] {
    ["-f", MESH, "--service-port", "80:8080", "--policy", policy]
}

/// Records the usual calls of the shop and one unwanted call, and learns from the log.
fn relearn(name: &str, also: &[Call], bad: &Call) -> (Vec<Call>, Value, tempfile::TempDir) {
    let policy = format!("boutique/{name}");
    let calls: Vec<_> = shop::decisions(&policy)
        .into_iter()
        .chain(also.iter().cloned())
        .collect();
    let sidecar = Sidecar::start(&shadow_without_rules(plugin_config(name)));
    let allowed: Vec<_> = calls.iter().filter(|call| call.is_allowed).collect();
    for round in 0..ROUNDS {
        for call in &allowed {
            assert_eq!(sidecar.send(call), 200, "{call:?}");
        }
        if round == 2 {
            assert_eq!(sidecar.send(bad), 200);
        }
    }
    let log = sidecar.access_log(ROUNDS * allowed.len() + 1);
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("learned.yaml");
    let new_policy = new_policy_args(&policy);
    let to_file = ["--out", out.to_str().unwrap()];
    let learned = learn(&log, &[&new_policy[..], &to_file].concat());
    assert_eq!(learned.status, 0, "{}", learned.stderr);
    let validated = run(&["validate", "-f", MESH, "-f", out.to_str().unwrap()], "");
    assert_eq!(validated.status, 0, "{}", validated.stderr);
    let report = learn_from(&log, &[&new_policy[..], &["--output", "json"]].concat());

    let rare = report["policies"][0]["rare"].as_array().unwrap();
    assert_eq!(rare.len(), 1, "{rare:?}");
    assert_eq!(rare[0]["path"], bad.path.as_str());
    assert_eq!(rare[0]["count"], 1);
    let comments = std::fs::read_to_string(&out).unwrap();
    assert!(
        comments.contains(&format!("#   boutique/{}", bad.account())),
        "{comments}"
    );
    assert!(
        learned
            .stderr
            .contains(&format!("rare      boutique/{}", bad.account()))
    );
    (calls, report, folder)
}

/// Asserts that the learned policy decides like the shop's own for every observed and every denied request,
/// and allows no more than it for any other combination.
fn assert_learned(name: &str, also: &[Call], bad: &Call) -> Value {
    let (calls, report, folder) = relearn(name, also, bad);
    let out = folder.path().join("learned.yaml");
    let learned = ["-f", MESH, "-f", out.to_str().unwrap()];
    let expected: Vec<_> = calls.iter().map(|call| call.is_allowed).collect();
    assert_eq!(answers(&learned, &calls), expected, "{name}");

    let mut others = vec![bad.clone()];
    for caller in &calls {
        for method in ["GET", "POST", "DELETE"] {
            for path in &calls {
                others.push(Call {
                    principal: caller.principal.clone(),
                    method: method.to_owned(),
                    path: path.path.clone(),
                    ..path.clone()
                });
            }
        }
    }
    let learned_answers = answers(&learned, &others);
    let shop_answers = answers(&["-f", SHOP], &others);
    for ((call, learned), shop) in others.iter().zip(&learned_answers).zip(&shop_answers) {
        assert!(!learned || *shop, "wider than the shop's own: {call:?}");
    }
    assert!(
        !learned_answers[0],
        "the call that was made once is allowed"
    );
    report
}

#[test]
fn relearns_the_cart_rules() {
    let bad = Call::new(
        "boutique/cartservice",
        &service("recommendationservice"),
        "POST",
        "/hipstershop.CartService/GetCart",
    );
    assert_learned("cartservice", &[], &bad);
}

#[test]
fn relearns_the_catalog_rules() {
    let bad = Call::new(
        "boutique/productcatalogservice",
        &service("checkoutservice"),
        "POST",
        "/hipstershop.ProductCatalogService/ListProducts",
    );
    assert_learned("productcatalogservice", &[], &bad);
}

#[test]
fn relearns_the_currency_rules() {
    let bad = Call::new(
        "boutique/currencyservice",
        &service("paymentservice"),
        "POST",
        "/hipstershop.CurrencyService/Convert",
    );
    assert_learned("currencyservice", &[], &bad);
}

/// The products that the shop's pages link to.
const PRODUCTS: [&str; 8] = [
    "66VCHSJNUP",
    "1YMWWN1N4O",
    "L9ECAV7KIM",
    "2ZYFJ3GM2N",
    "0PUK6V6EV0",
    "LS4PSXUNUM",
    "9SIQT8TOJO",
    "6E92ZMYYFZ",
];

#[test]
fn relearns_the_shop_pages_with_a_product_template() {
    let gateway = "spiffe://cluster.local/ns/istio-ingress/sa/istio-ingressgateway";
    let products = PRODUCTS.map(|id| Call {
        is_allowed: true,
        host: Some("shop.example.com".to_owned()),
        ..Call::new(
            "boutique/frontend",
            gateway,
            "GET",
            &format!("/product/{id}"),
        )
    });
    let bad = Call::new(
        "boutique/frontend",
        &service("loadgenerator"),
        "POST",
        "/cart/empty",
    );
    let report = assert_learned("frontend", &products, &bad);
    let learned = report["policies"][0]["learned"].as_array().unwrap();
    let templates: Vec<_> = learned
        .iter()
        .filter(|call| !call["ids"].as_array().unwrap().is_empty())
        .map(|call| {
            (
                call["caller"].as_str().unwrap(),
                call["path"].as_str().unwrap(),
            )
        })
        .collect();
    // The simulated customers request only one product.
    let expected = [("istio-ingress/istio-ingressgateway", "/product/{*}")];
    assert_eq!(templates, expected);
}

#[test]
fn never_learns_requests_that_the_filter_denies() {
    let sidecar = Sidecar::start(&plugin_config("cartservice"));
    let good = Call::new(
        "boutique/cartservice",
        &service("frontend"),
        "POST",
        "/hipstershop.CartService/GetCart",
    );
    let bad = Call {
        principal: Some(service("adservice")),
        ..good.clone()
    };
    for _ in 0..ROUNDS {
        assert_eq!(sidecar.send(&good), 200);
        assert_eq!(sidecar.send(&bad), 403);
        // A gRPC denial has status 200, with the gRPC status in a header.
        assert_eq!(sidecar.call(&bad), 200);
    }
    let log = sidecar.access_log(3 * ROUNDS);
    let new_policy = new_policy_args("boutique/cartservice");
    let report = learn_from(&log, &[&new_policy[..], &["--output", "json"]].concat());
    let policy = &report["policies"][0];
    assert_eq!(policy["learned"].as_array().unwrap().len(), 1);
    assert_eq!(policy["learned"][0]["caller"], "boutique/frontend");
    assert_eq!(policy["excluded"][0]["because"], "denied");
    assert_eq!(policy["excluded"][0]["count"], 2 * ROUNDS);

    let all = learn(&log, &[&new_policy[..], &["--include-denied"]].concat());
    assert!(all.stdout.contains("- id: adservice"), "{}", all.stdout);

    // With the shop's own policies, there is nothing new to learn.
    let known = learn(&log, &["-f", SHOP, "--policy", "boutique/cartservice"]);
    assert_eq!(
        (known.status, known.stdout.as_str()),
        (2, ""),
        "{}",
        known.stderr
    );
    assert!(
        known.stderr.contains("5 requests already allowed"),
        "{}",
        known.stderr
    );
}

#[test]
fn reports_anonymous_callers_and_learns_no_rule_for_them() {
    let sidecar = Sidecar::start(&shadow_without_rules(plugin_config("cartservice")));
    let path = "/hipstershop.CartService/GetCart";
    let known = Call::new("boutique/cartservice", &service("frontend"), "POST", path);
    let foreign = "spiffe://elsewhere.example.org/ns/boutique/sa/frontend";
    let others = [
        Call {
            principal: None,
            ..known.clone()
        },
        Call {
            principal: Some(foreign.to_owned()),
            ..known.clone()
        },
        Call {
            principal: Some("https://boutique.example/frontend".to_owned()),
            ..known.clone()
        },
    ];
    for _ in 0..ROUNDS {
        for call in [&known].into_iter().chain(&others) {
            assert_eq!(sidecar.send(call), 200);
        }
    }
    let log = sidecar.access_log(4 * ROUNDS);
    let new_policy = new_policy_args("boutique/cartservice");
    let report = learn_from(&log, &[&new_policy[..], &["--output", "json"]].concat());
    let policy = &report["policies"][0];
    assert_eq!(policy["learned"].as_array().unwrap().len(), 1);
    let excluded = policy["excluded"].as_array().unwrap().iter();
    let excluded: Vec<_> = excluded
        .map(|excluded| {
            (
                excluded["because"].as_str().unwrap(),
                excluded["count"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        excluded,
        [
            ("no-identity", 5),
            ("malformed-identity", 5),
            ("foreign-trust-domain", 5),
        ]
    );
}
