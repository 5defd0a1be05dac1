use serde_json::{Value, json};

use crate::check::tests::{problem_of_value, problems_of};
use crate::rule_spec::Enforcement;

fn problem(key: &str, value: &str) -> Option<String> {
    problem_of_value("from", key, &Value::from(value))
}

fn assert_accepted(key: &str, values: &[&str]) {
    for value in values {
        assert_eq!(problem(key, value), None, "{key}: {value}");
    }
}

fn assert_rejected(key: &str, code: &str, values: &[&str]) {
    for value in values {
        assert_eq!(problem(key, value).as_deref(), Some(code), "{key}: {value}");
    }
}

const STRAY_STARS: [&str; 5] = ["**", "a*b", "*a*", "a**", "**a"];

#[test]
fn accepts_only_principals_of_the_mesh() {
    let longest = format!("cluster.local/{}", "a".repeat(2048 - 23));
    let too_long = format!("{longest}a");
    for key in ["principals", "notPrincipals"] {
        assert_accepted(
            key,
            &[
                "*",
                "cluster.local/ns/a/sa/b",
                "spiffe://cluster.local/ns/a/sa/b",
                "old.local/ns/a/sa/b",
                "cluster.local/a",
                "cluster.local/A_b.c",
                &longest,
                "c*",
                "cluster.local*",
                "spiffe://cluster.local*",
                "cluster.local/*",
                "spiffe://cluster.local/*",
                "cluster.local/ns/*",
                "cluster.local/ns/a/sa/b*",
                "cluster.local/ns/.*",
                "*b",
                "*/b",
                "*/ns/a/sa/b",
                "*/a/ns/a/sa/b",
                "*.",
            ],
        );
        assert_rejected(key, "invalid-wildcard", &STRAY_STARS);
        // Istio would extend these to every trust domain.
        assert_rejected(
            key,
            "invalid-wildcard",
            &["*.local/ns/a/sa/b", "*cluster.local/ns/a/sa/b"],
        );
        assert_rejected(key, "empty-value", &[""]);
        assert_rejected(
            key,
            "invalid-spiffe-id",
            &[
                "cluster.local",
                "cluster.local/",
                "cluster.local/a/",
                "cluster.local//a",
                "cluster.local/a/../b",
                "cluster.local/%61",
                "Cluster.local/a",
                "spiffe://spiffe://cluster.local/a",
                "SPIFFE://cluster.local/a",
                "http://cluster.local/a",
                " cluster.local/a",
                "/a",
                &too_long,
                // No ID starts like this.
                "spiffe://*",
                "spiffe:/*",
                "/*",
                "cluster.local//*",
                "cluster.local//a*",
                "cluster.local/a//b*",
                "cluster.local/./*",
                "cluster.local/../a*",
                "cluster.local/a b*",
                "C*",
                // No ID ends like this.
                "*/",
                "*a/",
                "*/.",
                "*/..",
                "*//a",
                "*/a//b",
                "*/../a",
                "*:a",
                "*a b",
                "*é",
            ],
        );
        assert_rejected(
            key,
            "foreign-trust-domain",
            &[
                "other/ns/a/sa/b",
                "cluster/ns/a/sa/b",
                "cluster.local.evil/ns/a/sa/b",
                "x*",
                "cluster.localx*",
                "cluster/*",
                "shop/cart",
            ],
        );
    }
}

#[test]
fn accepts_only_valid_service_accounts() {
    for key in ["serviceAccounts", "notServiceAccounts"] {
        assert_accepted(key, &["cart", "shop/cart", "a-b/c.d-e"]);
        assert_rejected(key, "empty-value", &[""]);
        assert_rejected(
            key,
            "invalid-service-account",
            &[
                "*",
                "shop/*",
                "*/cart",
                "cart*",
                "/",
                "/cart",
                "shop/",
                "shop/cart/x",
                "Shop/cart",
                "shop/Cart",
                "a.b/cart",
                "shop/a_b",
                "cluster.local/ns/a/sa/b",
            ],
        );
    }
}

#[test]
fn accepts_only_valid_namespaces() {
    for key in ["namespaces", "notNamespaces"] {
        assert_accepted(key, &["*", "a", "a-b", "a*", "a-*", "*b", "*-a"]);
        assert_rejected(key, "empty-value", &[""]);
        assert_rejected(key, "invalid-wildcard", &STRAY_STARS);
        // Istio would read these as every namespace.
        assert_rejected(key, "invalid-wildcard", &["*a", "*sa"]);
        assert_rejected(
            key,
            "invalid-value",
            &[
                "A", "a.b", "a/b", "a_b", "-a", "a-", "A*", "a/*", "*.a", "é",
            ],
        );
    }
}

#[test]
fn accepts_only_trust_domains_of_the_mesh() {
    for key in ["trustDomains", "notTrustDomains"] {
        assert_accepted(
            key,
            &[
                "*",
                "cluster.local",
                "old.local",
                "c*",
                "*.local",
                "cluster.local*",
            ],
        );
        assert_rejected(key, "empty-value", &[""]);
        assert_rejected(key, "invalid-wildcard", &STRAY_STARS);
        assert_rejected(
            key,
            "invalid-trust-domain",
            &[
                "Cluster.local",
                "cluster.local/",
                "spiffe://cluster.local",
                "a b",
                "*/a",
                "C*",
            ],
        );
        assert_rejected(
            key,
            "foreign-trust-domain",
            &["other", "cluster", "local", "x*", "*.x", "cluster.local.x"],
        );
    }
}

#[test]
fn rejects_exclusive_fields() {
    let at = |code: &str, key: &str| vec![format!("{code} at rules[0].from[0]{key}")];
    let cases = [
        (json!({"anonymous": true}), vec![]),
        (
            json!({"anonymous": false}),
            at("invalid-value", ".anonymous"),
        ),
        (
            json!({"anonymous": true, "namespaces": ["a"]}),
            at("exclusive-fields", ".anonymous"),
        ),
        (
            json!({"anonymous": true, "notPrincipals": ["*"]}),
            at("exclusive-fields", ".anonymous"),
        ),
        (json!({}), at("empty-matcher", "")),
        (
            json!({"serviceAccounts": ["a"], "principals": ["*"]}),
            at("exclusive-fields", ".serviceAccounts"),
        ),
        (
            json!({"serviceAccounts": ["a"], "namespaces": ["a"]}),
            at("exclusive-fields", ".serviceAccounts"),
        ),
        (
            json!({"serviceAccounts": ["a"], "notPrincipals": ["*"], "notNamespaces": ["a"],
                   "trustDomains": ["*"]}),
            vec![],
        ),
        (json!({"principals": ["*"], "namespaces": ["a"]}), vec![]),
        (json!({"principals": []}), at("empty-list", ".principals")),
        (
            json!({"notPrincipals": []}),
            at("empty-list", ".notPrincipals"),
        ),
        (
            json!({"namespaces": ["a", "B", "c"]}),
            at("invalid-value", ".namespaces[1]"),
        ),
    ];
    for (source, expected) in cases {
        let rules = json!([{"id": "r", "effect": "Allow", "from": [source]}]);
        assert_eq!(
            problems_of(&rules, Enforcement::Enforce),
            expected,
            "{source}"
        );
    }
}

#[test]
fn accepts_only_safe_patterns_for_client_certificates() {
    assert_accepted(
        "clientCertificates",
        &[
            "*",
            "dns:partner.example",
            "dns:*.partner.example",
            "uri:https://partner.example/client/7",
            "uri:https://partner.example/*",
            "uri:urn:partner:7",
            "uri:spiffe://partner.example/ns/a/sa/b",
            "uri:spiffe://partner.example/*",
            "subject:CN=client-7,O=Partner\\, Inc.",
        ],
    );
    assert_rejected(
        "clientCertificates",
        "invalid-value",
        &[
            "partner.example",
            "DNS:partner.example",
            "email:a@partner.example",
            "CN=client-7",
        ],
    );
    assert_rejected(
        "clientCertificates",
        "invalid-wildcard",
        &[
            "dns:",
            "dns:*",
            "dns:Partner.example",
            "dns:*partner.example",
            "dns:partner.*",
            "dns:a.*.example",
            "uri:",
            "uri:*",
            "uri:partner",
            "uri:https://partner.example*",
            "uri:https://*",
            "uri:https:///*",
            "uri:urn:partner:*",
            "uri:*/client",
            "uri:https://partner.example/a b",
            "uri:spiffe://partner.example",
            "uri:SPIFFE://cluster.local/ns/a/sa/b",
            "uri:SPIFFE://cluster.local/*",
            "uri:spiffe://Partner.example/*",
            "subject:",
            "subject:client-7",
            "subject:*,O=Partner",
            "subject:CN=*",
        ],
    );
    assert_rejected(
        "clientCertificates",
        "exclusive-fields",
        &[
            "uri:spiffe://cluster.local/ns/a/sa/b",
            "uri:spiffe://old.local/*",
        ],
    );
}

#[test]
fn rejects_mesh_identities_as_client_certificates() {
    for (field, value) in [
        ("principals", json!(["*"])),
        ("notNamespaces", json!(["a"])),
        ("serviceAccounts", json!(["a/b"])),
        ("anonymous", json!(true)),
    ] {
        for certificates in ["clientCertificates", "notClientCertificates"] {
            let source = json!({certificates: ["dns:a.example"], field: value});
            let rules = json!([{"id": "r", "effect": "Allow", "from": [source]}]);
            let problems = problems_of(&rules, Enforcement::Enforce);
            let [problem] = &problems[..] else {
                panic!("{field}: {problems:?}");
            };
            assert!(problem.starts_with("exclusive-fields"), "{problem}");
        }
    }
    let combined = json!({"clientCertificates": ["*"], "remoteIpBlocks": ["10.0.0.1"]});
    let rules = json!([{"id": "r", "effect": "Allow", "from": [combined]}]);
    assert_eq!(problems_of(&rules, Enforcement::Enforce), [""; 0]);
}
