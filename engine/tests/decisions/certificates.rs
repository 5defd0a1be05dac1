//! Callers from outside the mesh, by client certificates that a gateway validated.

use peergate_engine::engine::{CompiledPolicy, Request};
use peergate_engine::identity::{ClientCertificate, PeerIdentity};
use peergate_engine::timestamp::Timestamp;
use serde_json::{Value, json};

use super::{CART, config};

/// Certificates, each as its names.
type Certificates<'n> = &'n [&'n [&'n str]];

const NO_NAMES: &[&str] = &[];
const PARTNER: &[&str] = &["dns:client-7.partner.example", "subject:CN=7,O=Partner"];
const BY_URI: &[&str] = &["uri:https://partner.example/7"];
const FOREIGN: &[&str] = &["uri:spiffe://partner.example/7"];

/// A policy at gateways, unless changed.
fn compiled(rules: &Value, change: impl FnOnce(&mut Value)) -> CompiledPolicy {
    let mut config = config(rules);
    config["atGateway"] = true.into();
    change(&mut config);
    CompiledPolicy::from_json(config.to_string().as_bytes())
        .unwrap_or_else(|error| panic!("{error}: {rules}"))
}

fn answer(policy: &CompiledPolicy, peer: PeerIdentity<'_>, names: &[&str]) -> String {
    let certificate = ClientCertificate::parse(names.iter().copied());
    let now = Timestamp::parse("2026-06-01T00:00:00Z").expect("a time");
    let request = Request {
        client_certificate: certificate.as_ref(),
        path: Some(b"/orders"),
        ..Request::from_peer(peer, now)
    };
    let reason = policy.evaluate(&request).reason();
    let rule = reason.rule().map(|rule| format!(" {}", rule.id()));
    [reason.code().as_str(), &rule.unwrap_or_default()].concat()
}

/// A caller from outside according to the proxy: with a certificate of another trust domain, with a
/// name that is not a SPIFFE ID, or without names.
fn decision_from_outside(policy: &CompiledPolicy, names: &[&str]) -> String {
    let uri = names.iter().find_map(|name| name.strip_prefix("uri:"));
    let peer = PeerIdentity::from_uri_san(uri.map(str::as_bytes));
    answer(policy, peer, names)
}

pub(crate) fn matches_client_certificates_by_any_name() {
    let matching: [(&str, Certificates<'_>, Certificates<'_>); 8] = [
        ("*", &[PARTNER, BY_URI, FOREIGN], &[NO_NAMES]),
        (
            "dns:client-7.partner.example",
            &[PARTNER],
            &[BY_URI, FOREIGN, &["dns:partner.example"]],
        ),
        (
            "dns:*.partner.example",
            &[PARTNER, &["dns:other.example", "dns:a.b.Partner.example"]],
            &[
                BY_URI,
                &["dns:partner.example"],
                &["dns:evilpartner.example"],
                &["subject:CN=client-7.partner.example"],
                &["uri:https://a.partner.example"],
            ],
        ),
        (
            "uri:https://partner.example/7",
            &[BY_URI, &["uri:urn:a", BY_URI[0]]],
            &[PARTNER, FOREIGN],
        ),
        (
            "uri:https://partner.example/*",
            &[BY_URI],
            &[
                &["uri:https://partner.example.evil/7"],
                &["uri:https://partner.example"],
            ],
        ),
        ("uri:spiffe://partner.example/*", &[FOREIGN], &[BY_URI]),
        (
            "subject:CN=7,O=Partner",
            &[PARTNER],
            &[
                &["subject:CN=7,O=Partner,C=DE"],
                &["subject:CN=7\\,O=Partner"],
                &["dns:7"],
            ],
        ),
        ("subject:CN=client.example", &[], &[&["dns:client.example"]]),
    ];
    for (name, takes, leaves) in matching {
        let source = json!([{"clientCertificates": [name]}]);
        for (effect, code) in [("Allow", "allowed-by-rule r"), ("Deny", "denied-by-rule r")] {
            let policy = compiled(
                &json!([{"id": "r", "effect": effect, "from": source}]),
                |_| {},
            );
            for names in takes {
                assert_eq!(
                    decision_from_outside(&policy, names),
                    code,
                    "{name} {names:?}"
                );
            }
            for names in leaves {
                let answer = decision_from_outside(&policy, names);
                assert!(!answer.ends_with(" r"), "{name} {names:?}: {answer}");
            }
        }
    }
}

pub(crate) fn excludes_client_certificates_by_any_name() {
    let others = json!([{"notClientCertificates": ["dns:*.partner.example", "uri:urn:a"]}]);
    let of_some = json!([{
        "clientCertificates": ["subject:CN=7,O=Partner"],
        "notClientCertificates": ["dns:banned.example"],
    }]);
    let cart = PeerIdentity::from_uri_san(Some(CART.as_bytes()));
    let banned: &[&str] = &["subject:CN=7,O=Partner", "dns:banned.example"];
    for (effect, code, is_allow) in [
        ("Allow", "allowed-by-rule r", true),
        ("Deny", "denied-by-rule r", false),
    ] {
        let policy = |from: &Value| {
            let rules = json!([{"id": "r", "effect": effect, "from": from}]);
            compiled(&rules, |_| {})
        };
        let (others, of_some) = (policy(&others), policy(&of_some));
        for names in [
            BY_URI,
            FOREIGN,
            banned,
            &["subject:CN=client-7.partner.example"],
        ] {
            assert_eq!(
                decision_from_outside(&others, names),
                code,
                "{effect} {names:?}"
            );
        }
        for names in [PARTNER, &["dns:x.example", "uri:urn:a"]] {
            assert_eq!(
                decision_from_outside(&others, names),
                "no-rule-matched",
                "{effect} {names:?}"
            );
        }
        assert_eq!(decision_from_outside(&of_some, PARTNER), code);
        assert_eq!(decision_from_outside(&of_some, banned), "no-rule-matched");
        // An `Allow` rule only matches certificates from outside; any other rule matches every
        // caller without one of these names.
        for (peer, names) in [
            (cart, NO_NAMES),
            (cart, PARTNER),
            (PeerIdentity::Absent, NO_NAMES),
        ] {
            let answer = answer(&others, peer, names);
            assert_eq!(answer == code, !is_allow, "{effect} {names:?}: {answer}");
        }
        assert_eq!(
            answer(&others, PeerIdentity::Unvalidated, PARTNER) == code,
            !is_allow
        );
    }
    // Enough names to be indexed.
    let many: Vec<_> = (0..20)
        .map(|number| format!("dns:{number}.example"))
        .collect();
    let rules = json!([{"id": "r", "effect": "Allow", "from": [{"notClientCertificates": many}]}]);
    let policy = compiled(&rules, |_| {});
    assert_eq!(
        decision_from_outside(&policy, &["dns:19.example"]),
        "no-rule-matched"
    );
    assert_eq!(
        decision_from_outside(&policy, &["dns:20.example"]),
        "allowed-by-rule r"
    );
}

pub(crate) fn client_certificates_are_neither_mesh_identities_nor_anonymous() {
    let rules = json!([
        {"id": "all", "effect": "Allow"},
        {"id": "any", "effect": "Allow", "from": [{"principals": ["*"]}]},
        {"id": "not", "effect": "Allow", "from": [{"notNamespaces": ["a"]}]},
        {"id": "namespace", "effect": "Allow", "from": [{"namespaces": ["*"]}]},
        {"id": "anonymous", "effect": "Allow", "from": [{"anonymous": true}]},
        {"id": "when", "effect": "Allow", "from": [{"anonymous": true}, {"principals": ["*"]}]},
    ]);
    let policy = compiled(&rules, |_| {});
    for names in [PARTNER, BY_URI, FOREIGN] {
        assert_eq!(
            decision_from_outside(&policy, names),
            "no-rule-matched",
            "{names:?}"
        );
    }
    let outside = json!([{"id": "r", "effect": "Allow", "from": [{"clientCertificates": ["*"]}]}]);
    let policy = compiled(&outside, |_| {});
    let cart = PeerIdentity::from_uri_san(Some(CART.as_bytes()));
    assert_eq!(answer(&policy, cart, PARTNER), "no-rule-matched");
    assert_eq!(
        answer(&policy, PeerIdentity::Absent, NO_NAMES),
        "no-identity"
    );
    assert_eq!(
        answer(&policy, PeerIdentity::Malformed, NO_NAMES),
        "malformed-identity"
    );
}

pub(crate) fn an_unvalidated_certificate_gives_no_identity() {
    let rules = json!([
        {"id": "r", "effect": "Allow", "from": [{"clientCertificates": ["*"]}, {"principals": ["*"]}]},
    ]);
    let policy = compiled(&rules, |_| {});
    for names in [NO_NAMES, PARTNER] {
        let answer = answer(&policy, PeerIdentity::Unvalidated, names);
        assert_eq!(answer, "unvalidated-certificate");
    }
    let anonymous = json!([{"id": "r", "effect": "Allow", "from": [{"anonymous": true}]}]);
    let policy = compiled(&anonymous, |_| {});
    let allowed = answer(&policy, PeerIdentity::Unvalidated, NO_NAMES);
    assert_eq!(allowed, "allowed-by-rule r");
    let policy = compiled(&json!([{"id": "r", "effect": "Deny"}]), |_| {});
    let denied = answer(&policy, PeerIdentity::Unvalidated, NO_NAMES);
    assert_eq!(denied, "denied-by-rule r");
}

pub(crate) fn client_certificates_count_only_at_gateways() {
    let denied = |policy: &CompiledPolicy| {
        [PARTNER, BY_URI, FOREIGN].map(|names| decision_from_outside(policy, names))
    };
    let as_elsewhere = ["no-identity", "malformed-identity", "foreign-trust-domain"];
    let elsewhere = compiled(&json!([]), |config| config["atGateway"] = false.into());
    assert_eq!(denied(&elsewhere), as_elsewhere);
    let at_gateway = compiled(&json!([]), |_| {});
    assert_eq!(denied(&at_gateway), ["no-rule-matched"; 3]);
    // Requests pass by default at gateways. If a policy for all workloads has `otherwise: Pass`,
    // its RBAC denies them.
    let pass = |config: &mut Value| {
        config["otherwise"] = "Pass".into();
        config["meshOtherwise"] = "Pass".into();
    };
    assert_eq!(denied(&compiled(&json!([]), pass)), ["not-denied"; 3]);
    let co_enforced = |otherwise: &str| json!([{"policy": {"namespace": "istio-system", "name": "all"}, "otherwise": otherwise, "rules": []}]);
    let with_pass = compiled(&json!([]), |config| {
        config["coEnforced"] = co_enforced("Pass");
    });
    assert_eq!(denied(&with_pass), as_elsewhere);
    let with_deny = compiled(&json!([]), |config| {
        config["coEnforced"] = co_enforced("Deny");
    });
    assert_eq!(denied(&with_deny), ["no-rule-matched"; 3]);
}
