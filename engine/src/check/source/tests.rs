use serde_json::{Value, json};

use crate::check::tests::{problem_of_value, problems_of};
use crate::rule_spec::Enforcement;

fn problem(key: &str, value: &str) -> Option<String> {
    problem_of_value("from", key, &Value::from(value))
}

fn assert_taken(key: &str, values: &[&str]) {
    for value in values {
        assert_eq!(problem(key, value), None, "{key}: {value}");
    }
}

fn assert_refused(key: &str, code: &str, values: &[&str]) {
    for value in values {
        assert_eq!(problem(key, value).as_deref(), Some(code), "{key}: {value}");
    }
}

const STRAY_STARS: [&str; 5] = ["**", "a*b", "*a*", "a**", "**a"];

#[test]
fn principals_are_spiffe_ids_of_the_mesh_or_patterns_over_them() {
    let longest = format!("cluster.local/{}", "a".repeat(2048 - 23));
    let too_long = format!("{longest}a");
    for key in ["principals", "notPrincipals"] {
        assert_taken(
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
        assert_refused(key, "invalid-wildcard", &STRAY_STARS);
        // Istio would extend these to every trust domain.
        assert_refused(
            key,
            "invalid-wildcard",
            &["*.local/ns/a/sa/b", "*cluster.local/ns/a/sa/b"],
        );
        assert_refused(key, "empty-value", &[""]);
        assert_refused(
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
        assert_refused(
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
fn service_accounts_are_names_in_a_namespace() {
    for key in ["serviceAccounts", "notServiceAccounts"] {
        assert_taken(key, &["cart", "shop/cart", "a-b/c.d-e"]);
        assert_refused(key, "empty-value", &[""]);
        assert_refused(
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
fn namespaces_are_dns_labels_or_patterns_over_them() {
    for key in ["namespaces", "notNamespaces"] {
        assert_taken(key, &["*", "a", "a-b", "a*", "a-*", "*b", "*-a"]);
        assert_refused(key, "empty-value", &[""]);
        assert_refused(key, "invalid-wildcard", &STRAY_STARS);
        // Istio would read these as every namespace.
        assert_refused(key, "invalid-wildcard", &["*a", "*sa"]);
        assert_refused(
            key,
            "invalid-value",
            &[
                "A", "a.b", "a/b", "a_b", "-a", "a-", "A*", "a/*", "*.a", "é",
            ],
        );
    }
}

#[test]
fn trust_domains_are_those_of_the_mesh_or_patterns_that_one_matches() {
    for key in ["trustDomains", "notTrustDomains"] {
        assert_taken(
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
        assert_refused(key, "empty-value", &[""]);
        assert_refused(key, "invalid-wildcard", &STRAY_STARS);
        assert_refused(
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
        assert_refused(
            key,
            "foreign-trust-domain",
            &["other", "cluster", "local", "x*", "*.x", "cluster.local.x"],
        );
    }
}

#[test]
fn fields_that_exclude_each_other_are_refused_together() {
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
fn client_certificates_are_told_by_whole_names_or_by_sound_parts() {
    assert_taken(
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
    assert_refused(
        "clientCertificates",
        "invalid-value",
        &[
            "partner.example",
            "DNS:partner.example",
            "email:a@partner.example",
            "CN=client-7",
        ],
    );
    assert_refused(
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
    assert_refused(
        "clientCertificates",
        "exclusive-fields",
        &[
            "uri:spiffe://cluster.local/ns/a/sa/b",
            "uri:spiffe://old.local/*",
        ],
    );
}

#[test]
fn a_client_certificate_from_outside_the_mesh_has_no_identity_of_the_mesh() {
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
    let beside = json!({"clientCertificates": ["*"], "remoteIpBlocks": ["10.0.0.1"]});
    let rules = json!([{"id": "r", "effect": "Allow", "from": [beside]}]);
    assert_eq!(problems_of(&rules, Enforcement::Enforce), [""; 0]);
}
