//! `peergate learn` gives back the rules of the example shop from what real proxies log of its traffic.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what the tests share may fail as the tests do"
)]

mod counted;
#[path = "../support/filter.rs"]
mod filter;
mod prometheus;
#[path = "../support/scraping.rs"]
mod scraping;
mod shop;

use serde_json::{Value, json};

use scraping::scraping;
use shop::{Asked, MESH, SHOP, Sidecar, answers, learn, learn_from, plugin_config, run};

const ROUNDS: usize = 5;

/// A policy in shadow without rules: it would deny everything, and lets everything pass.
fn nothing_yet(mut config: Value) -> Value {
    config["enforcement"] = json!("Shadow");
    config["rules"] = json!([]);
    config
}

fn service(name: &str) -> String {
    format!("spiffe://cluster.local/ns/boutique/sa/{name}")
}

/// For logs of a policy that is not there yet, in the shop's mesh.
fn beside_mesh(policy: &str) -> [&str; 6] {
    ["-f", MESH, "--service-port", "80:8080", "--policy", policy]
}

/// Records what the shop does all the time, and one call that nobody should make, and learns of it.
fn relearn(name: &str, also: &[Asked], bad: &Asked) -> (Vec<Asked>, Value, tempfile::TempDir) {
    let policy = format!("boutique/{name}");
    let asked: Vec<_> = shop::decisions(&policy)
        .into_iter()
        .chain(also.iter().cloned())
        .collect();
    let sidecar = Sidecar::start(&nothing_yet(plugin_config(name)));
    let allowed: Vec<_> = asked.iter().filter(|asked| asked.is_allowed).collect();
    for round in 0..ROUNDS {
        for asked in &allowed {
            assert_eq!(sidecar.send(asked), 200, "{asked:?}");
        }
        if round == 2 {
            assert_eq!(sidecar.send(bad), 200);
        }
    }
    let log = sidecar.log_of(ROUNDS * allowed.len() + 1);
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("learnt.yaml");
    let beside = beside_mesh(&policy);
    let to_file = ["--out", out.to_str().unwrap()];
    let learnt = learn(&log, &[&beside[..], &to_file].concat());
    assert_eq!(learnt.status, 0, "{}", learnt.stderr);
    let validated = run(&["validate", "-f", MESH, "-f", out.to_str().unwrap()], "");
    assert_eq!(validated.status, 0, "{}", validated.stderr);
    let report = learn_from(&log, &[&beside[..], &["--output", "json"]].concat());

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
        learnt
            .stderr
            .contains(&format!("rare      boutique/{}", bad.account()))
    );
    (asked, report, folder)
}

/// The learnt policy answers as the shop's own for all that was observed and for all that must be
/// denied; and of everything else that anybody may think of it allows no more.
fn assert_learnt(name: &str, also: &[Asked], bad: &Asked) -> Value {
    let (asked, report, folder) = relearn(name, also, bad);
    let out = folder.path().join("learnt.yaml");
    let learnt = ["-f", MESH, "-f", out.to_str().unwrap()];
    let expected: Vec<_> = asked.iter().map(|asked| asked.is_allowed).collect();
    assert_eq!(answers(&learnt, &asked), expected, "{name}");

    let mut others = vec![bad.clone()];
    for caller in &asked {
        for method in ["GET", "POST", "DELETE"] {
            for path in &asked {
                others.push(Asked {
                    principal: caller.principal.clone(),
                    method: method.to_owned(),
                    path: path.path.clone(),
                    ..path.clone()
                });
            }
        }
    }
    let by_learnt = answers(&learnt, &others);
    let by_shop = answers(&["-f", SHOP], &others);
    for ((asked, learnt), shop) in others.iter().zip(&by_learnt).zip(&by_shop) {
        assert!(!learnt || *shop, "wider than the shop's own: {asked:?}");
    }
    assert!(!by_learnt[0], "the call that was made once is allowed");
    report
}

#[test]
fn the_rules_of_the_cart_are_found_again() {
    let bad = Asked::new(
        "boutique/cartservice",
        &service("recommendationservice"),
        "POST",
        "/hipstershop.CartService/GetCart",
    );
    assert_learnt("cartservice", &[], &bad);
}

#[test]
fn the_rules_of_the_catalogue_are_found_again() {
    let bad = Asked::new(
        "boutique/productcatalogservice",
        &service("checkoutservice"),
        "POST",
        "/hipstershop.ProductCatalogService/ListProducts",
    );
    assert_learnt("productcatalogservice", &[], &bad);
}

#[test]
fn the_rules_of_the_currencies_are_found_again() {
    let bad = Asked::new(
        "boutique/currencyservice",
        &service("paymentservice"),
        "POST",
        "/hipstershop.CurrencyService/Convert",
    );
    assert_learnt("currencyservice", &[], &bad);
}

/// The shop's products, as its own pages link to them.
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
fn the_pages_of_the_shop_are_found_again_with_products_as_a_template() {
    let gateway = "spiffe://cluster.local/ns/istio-ingress/sa/istio-ingressgateway";
    let products = PRODUCTS.map(|id| Asked {
        is_allowed: true,
        host: Some("shop.example.com".to_owned()),
        ..Asked::new(
            "boutique/frontend",
            gateway,
            "GET",
            &format!("/product/{id}"),
        )
    });
    let bad = Asked::new(
        "boutique/frontend",
        &service("loadgenerator"),
        "POST",
        "/cart/empty",
    );
    let report = assert_learnt("frontend", &products, &bad);
    let learnt = report["policies"][0]["learnt"].as_array().unwrap();
    let templates: Vec<_> = learnt
        .iter()
        .filter(|call| !call["ids"].as_array().unwrap().is_empty())
        .map(|call| {
            (
                call["caller"].as_str().unwrap(),
                call["path"].as_str().unwrap(),
            )
        })
        .collect();
    // The simulated customers looked at one product only.
    let expected = [("istio-ingress/istio-ingressgateway", "/product/{*}")];
    assert_eq!(templates, expected);
}

#[test]
fn what_the_filter_denies_is_never_learnt() {
    let sidecar = Sidecar::start(&plugin_config("cartservice"));
    let good = Asked::new(
        "boutique/cartservice",
        &service("frontend"),
        "POST",
        "/hipstershop.CartService/GetCart",
    );
    let bad = Asked {
        principal: Some(service("adservice")),
        ..good.clone()
    };
    for _ in 0..ROUNDS {
        assert_eq!(sidecar.send(&good), 200);
        assert_eq!(sidecar.send(&bad), 403);
        // To gRPC it is a success with the status in a header.
        assert_eq!(sidecar.call(&bad), 200);
    }
    let log = sidecar.log_of(3 * ROUNDS);
    let beside = beside_mesh("boutique/cartservice");
    let report = learn_from(&log, &[&beside[..], &["--output", "json"]].concat());
    let policy = &report["policies"][0];
    assert_eq!(policy["learnt"].as_array().unwrap().len(), 1);
    assert_eq!(policy["learnt"][0]["caller"], "boutique/frontend");
    assert_eq!(policy["setAside"][0]["because"], "denied");
    assert_eq!(policy["setAside"][0]["count"], 2 * ROUNDS);

    let all = learn(&log, &[&beside[..], &["--include-denied"]].concat());
    assert!(all.stdout.contains("- id: adservice"), "{}", all.stdout);

    // With the shop's own policies there is nothing new in it.
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
fn callers_without_identity_are_told_of_and_not_learnt() {
    let sidecar = Sidecar::start(&nothing_yet(plugin_config("cartservice")));
    let path = "/hipstershop.CartService/GetCart";
    let known = Asked::new("boutique/cartservice", &service("frontend"), "POST", path);
    let foreign = "spiffe://elsewhere.example.org/ns/boutique/sa/frontend";
    let others = [
        Asked {
            principal: None,
            ..known.clone()
        },
        Asked {
            principal: Some(foreign.to_owned()),
            ..known.clone()
        },
        Asked {
            principal: Some("https://boutique.example/frontend".to_owned()),
            ..known.clone()
        },
    ];
    for _ in 0..ROUNDS {
        for asked in [&known].into_iter().chain(&others) {
            assert_eq!(sidecar.send(asked), 200);
        }
    }
    let log = sidecar.log_of(4 * ROUNDS);
    let beside = beside_mesh("boutique/cartservice");
    let report = learn_from(&log, &[&beside[..], &["--output", "json"]].concat());
    let policy = &report["policies"][0];
    assert_eq!(policy["learnt"].as_array().unwrap().len(), 1);
    let aside = policy["setAside"].as_array().unwrap().iter();
    let aside: Vec<_> = aside
        .map(|aside| {
            (
                aside["because"].as_str().unwrap(),
                aside["count"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        aside,
        [
            ("no-identity", 5),
            ("malformed-identity", 5),
            ("foreign-trust-domain", 5),
        ]
    );
}
