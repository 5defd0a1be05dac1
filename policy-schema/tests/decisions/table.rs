//! What is decided about which request: policies in the JSON of the plugin config, and what is
//! asked of them. The same table runs natively and, compiled to WebAssembly, on Node.

use policy_schema::engine::{CompiledPolicy, Request};
use policy_schema::identity::PeerIdentity;
use policy_schema::timestamp::Timestamp;
use serde_json::{Value, json};

const CART: &str = "spiffe://cluster.local/ns/shop/sa/cart";
const WEB: &str = "spiffe://cluster.local/ns/shop/sa/web";
const OLD_CART: &str = "spiffe://old.local/ns/shop/sa/cart";
const BATCH: &str = "spiffe://cluster.local/ns/batch/sa/run";
const VM: &str = "spiffe://cluster.local/vm/7";

/// A request, from the most usual one.
#[derive(Clone, Copy)]
struct Asked {
    peer: Option<&'static str>,
    method: Option<&'static str>,
    path: Option<&'static str>,
    host: Option<&'static str>,
    port: Option<u16>,
    now: &'static str,
}

const USUAL: Asked = Asked {
    peer: Some(CART),
    method: Some("GET"),
    path: Some("/orders"),
    host: Some("orders.shop:8080"),
    port: Some(8080),
    now: "2026-06-01T00:00:00Z",
};

const fn by(peer: &'static str) -> Asked {
    Asked {
        peer: Some(peer),
        ..USUAL
    }
}

const fn to(method: &'static str, path: &'static str) -> Asked {
    Asked {
        method: Some(method),
        path: Some(path),
        ..USUAL
    }
}

const fn path(path: &'static str) -> Asked {
    to("GET", path)
}

const fn host(host: &'static str) -> Asked {
    Asked {
        host: Some(host),
        ..USUAL
    }
}

const fn port(port: u16) -> Asked {
    Asked {
        port: Some(port),
        ..USUAL
    }
}

const fn at(now: &'static str) -> Asked {
    Asked { now, ..USUAL }
}

const ANONYMOUS: Asked = Asked {
    peer: None,
    ..USUAL
};

/// A request of which nothing but the caller is known.
const BARE: Asked = Asked {
    method: None,
    path: None,
    host: None,
    port: None,
    ..USUAL
};

fn config(rules: &Value) -> Value {
    json!({
        "apiVersion": "peergate.dev/v1alpha1",
        "mesh": {"trustDomain": "cluster.local", "trustDomainAliases": ["old.local"]},
        "policy": {"namespace": "shop", "name": "orders"},
        "rules": rules,
    })
}

fn compile(rules: &Value) -> CompiledPolicy {
    CompiledPolicy::from_json(config(rules).to_string().as_bytes())
        .unwrap_or_else(|error| panic!("{error}: {rules}"))
}

/// The reason's code, its rule, then the shadow rules that match.
fn answer(policy: &CompiledPolicy, asked: Asked) -> String {
    let request = Request {
        method: asked.method.map(str::as_bytes),
        path: asked.path.map(str::as_bytes),
        host: asked.host.map(str::as_bytes),
        port: asked.port,
        ..Request::of_peer(
            PeerIdentity::from_uri_san(asked.peer.map(str::as_bytes)),
            Timestamp::parse(asked.now).expect("a time"),
        )
    };
    let reason = policy.evaluate(&request).reason();
    let rule = reason.rule().map(|rule| format!(" {}", rule.id()));
    let shadow = policy.recorded_matches(&request);
    let shadow = shadow.map(|rule| format!(" ~{}", rule.id()));
    let parts = std::iter::once(reason.code().to_owned());
    parts.chain(rule).chain(shadow).collect()
}

fn assert_answers(rules: &Value, cases: &[(Asked, &str)]) {
    let policy = compile(rules);
    for &(asked, expected) in cases {
        let Asked {
            peer,
            method,
            path,
            host,
            port,
            now,
        } = asked;
        assert_eq!(
            answer(&policy, asked),
            expected,
            "{peer:?} {method:?} {path:?} {host:?} {port:?} {now} on {rules}"
        );
    }
}

const OK: &str = "allowed-by-rule r";
const NONE: &str = "no-rule-matched";

/// The same rule, allowing and denying.
fn assert_matches(rule: &Value, matching: &[Asked], others: &[Asked]) {
    for (effect, code) in [("Allow", OK), ("Deny", "denied-by-rule r")] {
        let mut rule = rule.clone();
        rule["id"] = json!("r");
        rule["effect"] = json!(effect);
        let cases = matching.iter().map(|&asked| (asked, code));
        let cases: Vec<_> = cases
            .chain(others.iter().map(|&asked| (asked, NONE)))
            .collect();
        assert_answers(&json!([rule]), &cases);
    }
}

pub(crate) fn callers_are_told_apart_before_any_rule_is_read() {
    let cases = [
        (USUAL, OK),
        (by(OLD_CART), OK),
        (by(VM), OK),
        (ANONYMOUS, "no-identity"),
        (by(""), "malformed-identity"),
        (
            by("spiffe://evil.com/ns/shop/sa/cart"),
            "foreign-trust-domain",
        ),
        (
            by("spiffe://cluster.local.evil.com/a"),
            "foreign-trust-domain",
        ),
        (by("spiffe://cluster.local"), "malformed-identity"),
        (
            by("spiffe://Cluster.Local/ns/shop/sa/cart"),
            "malformed-identity",
        ),
        (
            by("spiffe://cluster.local/a,spiffe://cluster.local/b"),
            "malformed-identity",
        ),
        (by("cart"), "malformed-identity"),
    ];
    assert_answers(&json!([{"id": "r", "effect": "Allow"}]), &cases);
    let everyone = json!([
        {"id": "r", "effect": "Allow"},
        {"id": "anyone", "effect": "Allow", "from": [{"anonymous": true}]},
    ]);
    assert_answers(
        &everyone,
        &[(USUAL, OK), (ANONYMOUS, "allowed-by-rule anyone")],
    );
    assert_answers(&json!([]), &[(USUAL, NONE), (ANONYMOUS, "no-identity")]);
    let denying = [
        (USUAL, "denied-by-rule r"),
        (ANONYMOUS, "denied-by-rule r"),
        (by("spiffe://evil.com/a"), "foreign-trust-domain"),
        (by("cart"), "malformed-identity"),
    ];
    assert_answers(&json!([{"id": "r", "effect": "Deny"}]), &denying);
}

pub(crate) fn principals_match_ids_in_every_spelling() {
    let cases: [(&str, &[Asked], &[Asked]); 14] = [
        ("*", &[USUAL, by(VM), by(OLD_CART)], &[]),
        (
            "cluster.local/ns/shop/sa/cart",
            &[USUAL, by(OLD_CART)],
            &[by(WEB), by(VM)],
        ),
        (
            "spiffe://old.local/ns/shop/sa/cart",
            &[USUAL, by(OLD_CART)],
            &[by(WEB)],
        ),
        (
            "cluster.local/ns/shop/sa/c*",
            &[USUAL, by(OLD_CART)],
            &[by(WEB)],
        ),
        (
            "cluster.local/ns/shop/sa/*",
            &[USUAL, by(OLD_CART), by(WEB)],
            &[by(BATCH)],
        ),
        // Not of five parts, so it stands for itself alone.
        (
            "cluster.local/ns/shop/*",
            &[USUAL, by(WEB)],
            &[by(OLD_CART), by(BATCH)],
        ),
        ("cluster.local/*", &[USUAL, by(VM)], &[by(OLD_CART)]),
        ("spiffe://cluster*", &[USUAL, by(VM)], &[by(OLD_CART)]),
        ("old.local*", &[by(OLD_CART)], &[USUAL]),
        ("cluster.local/vm/7", &[by(VM)], &[USUAL]),
        ("*/sa/cart", &[USUAL, by(OLD_CART)], &[by(WEB), by(VM)]),
        ("*/ns/shop/sa/cart", &[USUAL, by(OLD_CART)], &[by(WEB)]),
        ("*7", &[by(VM)], &[USUAL]),
        ("*cart", &[USUAL], &[by("spiffe://cluster.local/cart/x")]),
    ];
    for (principal, matching, others) in cases {
        assert_matches(
            &json!({"from": [{"principals": [principal]}]}),
            matching,
            others,
        );
    }
}

pub(crate) fn callers_match_by_account_namespace_and_trust_domain() {
    let deeper = by("spiffe://cluster.local/ns/shop/sa/cart/x");
    let cases: [(Value, &[Asked], &[Asked]); 9] = [
        (
            json!({"serviceAccounts": ["cart"]}),
            &[USUAL, by(OLD_CART)],
            &[by(WEB), deeper],
        ),
        (
            json!({"serviceAccounts": ["batch/run"]}),
            &[by(BATCH)],
            &[USUAL],
        ),
        (
            json!({"namespaces": ["shop"]}),
            &[USUAL, by(WEB), by(OLD_CART), deeper],
            &[by(BATCH), by(VM), by("spiffe://cluster.local/ns/shop")],
        ),
        (
            json!({"namespaces": ["s*", "*ch"]}),
            &[USUAL, by(BATCH)],
            &[by(VM)],
        ),
        (
            json!({"namespaces": ["*"]}),
            &[USUAL, by(BATCH), deeper],
            &[by(VM)],
        ),
        (
            json!({"trustDomains": ["old.local"]}),
            &[by(OLD_CART)],
            &[USUAL],
        ),
        (
            json!({"trustDomains": ["*.local"]}),
            &[by(OLD_CART), USUAL, by(VM)],
            &[],
        ),
        (
            json!({"namespaces": ["shop"], "trustDomains": ["old.local"]}),
            &[by(OLD_CART)],
            &[USUAL, by(BATCH)],
        ),
        (
            json!({"principals": ["*"], "notServiceAccounts": ["cart"], "notNamespaces": ["batch"]}),
            &[by(WEB)],
            &[USUAL, by(OLD_CART), by(BATCH)],
        ),
    ];
    for (source, matching, others) in cases {
        assert_matches(&json!({"from": [source]}), matching, others);
    }
}

pub(crate) fn requests_match_by_method_path_host_and_port() {
    let cases: [(Value, &[Asked], &[Asked]); 14] = [
        (
            json!({"methods": ["GET"]}),
            &[USUAL],
            &[to("get", "/"), to("POST", "/"), BARE],
        ),
        (
            json!({"methods": ["P*"]}),
            &[to("POST", "/"), to("PUT", "/")],
            &[USUAL],
        ),
        (
            json!({"methods": ["*"]}),
            &[USUAL, to("x", "/"), to("", "/")],
            &[BARE],
        ),
        (
            json!({"paths": ["/orders"]}),
            &[USUAL, path("/orders?id=1"), path("/orders#top")],
            &[
                path("/orders/"),
                path("/Orders"),
                path("/orders%3f"),
                path("/x?/orders"),
                BARE,
            ],
        ),
        (
            json!({"paths": ["/orders*"]}),
            &[USUAL, path("/orders-old")],
            &[path("/order"), path("/")],
        ),
        (
            json!({"paths": ["*.png"]}),
            &[path("/a.png"), path("/.png?x")],
            &[path("/a?.png")],
        ),
        (
            json!({"paths": ["*"]}),
            &[USUAL, path("/")],
            &[path(""), path("?x"), BARE],
        ),
        (
            json!({"paths": ["/a/{**}"]}),
            &[path("/a/"), path("/a/b/c")],
            &[path("/a"), path("/ab/")],
        ),
        (
            json!({"paths": ["/store/{**}/cart"]}),
            &[path("/store//cart"), path("/store/x/y/cart")],
            &[path("/store/cart"), path("/store/x/cart/")],
        ),
        (
            json!({"paths": ["/foo/{*}/x"]}),
            &[path("/foo/a/x")],
            &[path("/foo//x"), path("/foo/a/b/x")],
        ),
        (
            json!({"hosts": ["Orders.Shop:8080"]}),
            &[USUAL, host("ORDERS.SHOP:8080")],
            &[host("orders.shop"), host("x.orders.shop:8080"), BARE],
        ),
        (
            json!({"hosts": ["orders*", "*.Test"]}),
            &[USUAL, host("A.TEST")],
            &[host("test")],
        ),
        (
            json!({"ports": [8080, 9090]}),
            &[USUAL, port(9090)],
            &[port(80), BARE],
        ),
        (
            json!({"methods": ["GET"], "paths": ["/o*"], "notPaths": ["*s"], "notPorts": [9090]}),
            &[path("/order")],
            &[
                USUAL,
                to("PUT", "/order"),
                Asked {
                    port: Some(9090),
                    ..path("/order")
                },
            ],
        ),
    ];
    for (operation, matching, others) in cases {
        assert_matches(&json!({"to": [operation]}), matching, others);
    }
}

pub(crate) fn what_a_request_lacks_counts_against_the_caller() {
    let rule = |effect: &str, from: Value, to: Value| {
        let mut rule = json!({"id": "r", "effect": effect});
        for (key, value) in [("from", from), ("to", to)] {
            if !value.is_null() {
                rule[key] = json!([value]);
            }
        }
        json!([rule])
    };
    let operations = [
        json!({"notMethods": ["PUT"]}),
        json!({"notPaths": ["/x"]}),
        json!({"notHosts": ["x"]}),
        json!({"notPorts": [1]}),
    ];
    for operation in operations {
        let allow = rule("Allow", Value::Null, operation.clone());
        assert_answers(&allow, &[(USUAL, OK), (BARE, NONE)]);
        let deny = rule("Deny", Value::Null, operation);
        assert_answers(
            &deny,
            &[(USUAL, "denied-by-rule r"), (BARE, "denied-by-rule r")],
        );
    }
    let sources = [
        json!({"notPrincipals": ["*/x"]}),
        json!({"notServiceAccounts": ["x"]}),
        json!({"notNamespaces": ["x"]}),
        json!({"notTrustDomains": ["old.local"]}),
    ];
    for source in sources {
        let allow = rule("Allow", source.clone(), Value::Null);
        assert_answers(&allow, &[(USUAL, OK), (ANONYMOUS, "no-identity")]);
        let deny = rule("Deny", source, Value::Null);
        assert_answers(
            &deny,
            &[(USUAL, "denied-by-rule r"), (ANONYMOUS, "denied-by-rule r")],
        );
    }
    let no_namespace = json!({"notNamespaces": ["shop"]});
    let allow = rule("Allow", no_namespace.clone(), Value::Null);
    assert_answers(&allow, &[(by(VM), OK), (by(BATCH), OK), (USUAL, NONE)]);
    let deny = rule("Deny", no_namespace, Value::Null);
    assert_answers(&deny, &[(by(VM), "denied-by-rule r"), (USUAL, NONE)]);
    // With a positive condition, only verified callers.
    let everyone = rule("Deny", json!({"principals": ["*"]}), Value::Null);
    assert_answers(
        &everyone,
        &[(USUAL, "denied-by-rule r"), (ANONYMOUS, "no-identity")],
    );
}

pub(crate) fn deny_goes_before_allow_and_the_first_rule_is_named() {
    let rules = json!([
        {"id": "a", "effect": "Allow", "to": [{"paths": ["/a*"]}]},
        {"id": "b", "effect": "Allow", "from": [{"namespaces": ["shop"]}]},
        {"id": "c", "effect": "Deny", "from": [{"serviceAccounts": ["web"]}], "to": [{"methods": ["PUT"]}]},
        {"id": "d", "effect": "Deny", "to": [{"methods": ["PUT"], "paths": ["/x"]}, {"paths": ["/admin/{**}"]}]},
    ]);
    let put = |peer| Asked {
        method: Some("PUT"),
        ..by(peer)
    };
    let cases = [
        (path("/a"), "allowed-by-rule a"),
        (path("/b"), "allowed-by-rule b"),
        (
            Asked {
                path: Some("/a"),
                ..by(BATCH)
            },
            "allowed-by-rule a",
        ),
        (by(BATCH), NONE),
        (put(CART), "allowed-by-rule b"),
        (put(WEB), "denied-by-rule c"),
        (
            Asked {
                path: Some("/x"),
                ..put(WEB)
            },
            "denied-by-rule c",
        ),
        (to("PUT", "/x"), "denied-by-rule d"),
        (path("/admin/users"), "denied-by-rule d"),
        (
            Asked {
                peer: None,
                ..path("/admin/")
            },
            "denied-by-rule d",
        ),
    ];
    assert_answers(&rules, &cases);
}

pub(crate) fn rules_apply_from_their_first_moment_to_before_their_last() {
    let rules = json!([
        {"id": "late", "effect": "Allow", "notBefore": "2026-03-01T00:00:00Z"},
        {"id": "early", "effect": "Allow", "notAfter": "2026-01-01T00:00:00Z"},
        {"id": "ban", "effect": "Deny", "notBefore": "2026-04-01T00:00:00Z", "notAfter": "2026-05-01T00:00:00Z"},
    ]);
    let cases = [
        (
            at("2025-12-31T23:59:59.999999999Z"),
            "allowed-by-rule early",
        ),
        (at("2026-01-01T00:00:00Z"), "rule-not-yet-valid late"),
        (
            at("2026-02-28T23:59:59.999999999Z"),
            "rule-not-yet-valid late",
        ),
        (at("2026-03-01T00:00:00Z"), "allowed-by-rule late"),
        (at("2026-04-01T00:00:00Z"), "denied-by-rule ban"),
        (at("2026-04-30T23:59:59.999999999Z"), "denied-by-rule ban"),
        (at("2026-05-01T00:00:00Z"), "allowed-by-rule late"),
    ];
    assert_answers(&rules, &cases);
    let expired = json!([
        {"id": "other", "effect": "Allow", "notAfter": "2026-01-01T00:00:00Z", "to": [{"ports": [1]}]},
        {"id": "gone", "effect": "Allow", "notAfter": "2026-01-01T00:00:00Z"},
        {"id": "coming", "effect": "Allow", "notBefore": "2027-01-01T00:00:00Z"},
    ]);
    let cases = [
        (USUAL, "expired-rule gone"),
        (port(1), "expired-rule other"),
        (ANONYMOUS, "no-identity"),
    ];
    assert_answers(&expired, &cases);
}

pub(crate) fn shadow_rules_are_told_and_never_decide() {
    let rules = json!([
        {"id": "a", "effect": "Deny", "enforcement": "Shadow", "to": [{"paths": ["/o*", "/orders", "*"]}]},
        {"id": "r", "effect": "Allow", "from": [{"namespaces": ["shop"]}]},
        {"id": "b", "effect": "Allow", "enforcement": "Shadow", "from": [{"principals": ["*"]}, {"namespaces": ["*"]}]},
        {"id": "c", "effect": "Deny", "enforcement": "Shadow", "notAfter": "2026-01-01T00:00:00Z"},
    ]);
    let cases = [
        (USUAL, "allowed-by-rule r ~a ~b"),
        (by(BATCH), "no-rule-matched ~a ~b"),
        (ANONYMOUS, "no-identity ~a"),
        (by("cart"), "malformed-identity"),
        (by("spiffe://evil.com/a"), "foreign-trust-domain"),
        (at("2025-06-01T00:00:00Z"), "allowed-by-rule r ~a ~b ~c"),
    ];
    assert_answers(&rules, &cases);
}

pub(crate) fn a_policy_in_shadow_decides_and_lets_everything_pass() {
    let mut config = config(&json!([{"id": "r", "effect": "Deny"}]));
    for (enforcement, lets_pass) in [("Enforce", false), ("Shadow", true)] {
        config["enforcement"] = json!(enforcement);
        let policy = CompiledPolicy::from_json(config.to_string().as_bytes()).expect("a policy");
        assert_eq!(answer(&policy, USUAL), "denied-by-rule r", "{enforcement}");
        let request =
            Request::of_peer(PeerIdentity::Malformed, Timestamp::from_unix_nanoseconds(0));
        assert_eq!(
            policy.evaluate(&request).lets_pass(),
            lets_pass,
            "{enforcement}"
        );
    }
}

pub(crate) fn configs_that_are_not_understood_in_full_are_refused() {
    let rule = |extra: Value| {
        let mut rule = json!({"id": "r", "effect": "Allow"});
        rule.as_object_mut()
            .expect("a rule")
            .extend(extra.as_object().expect("fields").clone());
        config(&json!([rule])).to_string()
    };
    let with = |key: &str, value: Value| {
        let mut config = config(&json!([]));
        config[key] = value;
        config.to_string()
    };
    let cases = [
        (String::new(), "the plugin config is empty"),
        (" \n".to_owned(), "the plugin config is empty"),
        ("null".to_owned(), "is not valid"),
        ("{}".to_owned(), "missing field"),
        ("{".to_owned(), "is not valid"),
        (with("apiVersion", json!("peergate.dev/v2")), "unknown variant"),
        (with("extra", json!(1)), "unknown field `extra`"),
        (with("rules", Value::Null), "is not valid"),
        (with("enforcement", json!("shadow")), "unknown variant"),
        (with("mesh", json!({"trustDomain": "A"})), "mesh.trustDomain: "),
        (
            with("mesh", json!({"trustDomain": "a", "trustDomainAliases": ["b", "/"]})),
            "mesh.trustDomainAliases[1]: ",
        ),
        (with("policy", json!({"namespace": "A", "name": "b"})), "policy.namespace: "),
        (with("policy", json!({"namespace": "a", "name": ""})), "policy.name: "),
        (rule(json!({"effect": "allow"})), "unknown variant `allow`"),
        (rule(json!({"form": []})), "unknown field `form`"),
        (rule(json!({"from": null})), "`null`"),
        (rule(json!({"notAfter": null})), "`null`"),
        (rule(json!({"from": [{"namespaces": ["a"], "notPrincipals": null}]})), "`null`"),
        (rule(json!({"from": []})), "rules[0].from: the list is empty [empty-list]"),
        (rule(json!({"from": [{"notNamespace": ["a"]}]})), "unknown field `notNamespace`"),
        (rule(json!({"to": [{"paths": ["a"]}]})), "rules[0].to[0].paths[0]: "),
        (rule(json!({"to": [{"ports": [70000]}]})), "is not valid"),
        (rule(json!({"to": [{"ports": ["80"]}]})), "is not valid"),
        (rule(json!({"to": [{"methods": ["GET"], "paths": []}, {}]})), "(and 1 more)"),
        (
            r#"{"apiVersion":"peergate.dev/v1alpha1","mesh":{"trustDomain":"a"},"policy":{"namespace":"a","name":"b"},"rules":[],"rules":[]}"#.to_owned(),
            "duplicate field `rules`",
        ),
    ];
    for (json, expected) in cases {
        let error = CompiledPolicy::from_json(json.as_bytes())
            .expect_err(&json)
            .to_string();
        assert!(error.contains(expected), "{json}: {error}");
    }
}

pub(crate) fn a_thousand_rules_are_told_apart() {
    let rule = |number: usize| {
        json!({
            "id": format!("r{number}"),
            "effect": if number % 10 == 9 { "Deny" } else { "Allow" },
            "from": [{"serviceAccounts": [format!("ns{}/sa{number}", number % 7)]}],
            "to": [{"methods": ["GET"], "paths": [format!("/p{number}"), format!("/t{number}/{{*}}")]}],
        })
    };
    let policy = compile(&(0..1_000).map(rule).collect());
    assert_eq!(policy.rules().len(), 1_000);
    for number in 0..1_000 {
        let peer: &str = &format!("spiffe://old.local/ns/ns{}/sa/sa{number}", number % 7);
        let code = if number % 10 == 9 {
            "denied-by-rule"
        } else {
            "allowed-by-rule"
        };
        let cases = [
            (format!("/p{number}"), format!("{code} r{number}")),
            (format!("/t{number}/x"), format!("{code} r{number}")),
            (format!("/t{number}/"), NONE.to_owned()),
            (format!("/p{}", number + 1), NONE.to_owned()),
        ];
        for (path, expected) in cases {
            let request = Request {
                method: Some(b"GET"),
                path: Some(path.as_bytes()),
                ..Request::of_peer(
                    PeerIdentity::from_uri_san(Some(peer.as_bytes())),
                    Timestamp::from_unix_nanoseconds(0),
                )
            };
            let reason = policy.evaluate(&request).reason();
            let rule = reason.rule().map(|rule| format!(" {}", rule.id()));
            let actual = format!("{}{}", reason.code(), rule.unwrap_or_default());
            assert_eq!(actual, expected, "{peer} {path}");
        }
    }
}
