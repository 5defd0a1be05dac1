use serde_json::{Value, json};

use super::*;
use crate::fake_host::{ADMIN, FakeHost, WEB, config, enforcer};

mod roll_out;
mod together;

#[test]
fn missing_time_counts_against_the_caller() {
    let config = config(&json!([
        {"id": "frozen", "effect": "Deny", "notAfter": "2500-01-01T00:00:00Z",
         "from": [{"serviceAccounts": ["admin"]}]},
        {"id": "admin", "effect": "Allow", "from": [{"serviceAccounts": ["admin"]}]},
        {"id": "web", "effect": "Allow", "notBefore": "2000-01-01T00:00:00Z",
         "from": [{"serviceAccounts": ["web"]}]},
    ]));
    let pass = |host: FakeHost| enforcer(&config, &host).enforce(&host) != Disposition::Answered;
    let noon = "2026-06-01T12:00:00Z";
    assert!(pass(FakeHost::with_uri_sans(&[WEB]).at(noon)));
    assert!(!pass(FakeHost::with_uri_sans(&[WEB])));
    assert!(pass(
        FakeHost::with_uri_sans(&[ADMIN]).at("2500-01-01T00:00:00Z")
    ));
    assert!(!pass(FakeHost::with_uri_sans(&[ADMIN])));
}

const ALLOWED: Disposition = Disposition::Pass(Some(DecisionOutcome::Allowed));

fn by_identity() -> Value {
    config(&json!([
        {"id": "web", "effect": "Allow", "from": [{"serviceAccounts": ["web"]}]},
    ]))
}

fn by_operation() -> Value {
    config(&json!([
        {"id": "web", "effect": "Allow", "from": [{"serviceAccounts": ["web"]}],
         "to": [{"methods": ["GET"], "paths": ["/orders"]}]},
    ]))
}

/// The host calls for a request whose caller's certificate is cached.
fn calls_when_known(config: &Value, request: impl Fn() -> FakeHost) -> (Disposition, FakeHost) {
    let enforcer = enforcer(config, &FakeHost::anonymous());
    enforcer.enforce(&request());
    let host = request();
    (enforcer.enforce(&host), host)
}

#[test]
fn an_identity_costs_one_call_with_data() {
    let web = || FakeHost::with_uri_sans(&[WEB]);
    let (verdict, host) = calls_when_known(&by_identity(), web);
    assert_eq!(verdict, ALLOWED);
    assert_eq!(host.calls.answered.get(), 1);
    assert_eq!(host.calls.unanswered.get(), 0);
    assert_eq!(host.calls.increments.get(), 1);
    assert_eq!(host.calls.header_writes.get(), 0);
    assert_eq!(host.calls.time.get(), 0);
}

#[test]
fn method_and_path_cost_one_call_each() {
    let web = || FakeHost::with_uri_sans(&[WEB]);
    let (verdict, host) = calls_when_known(&by_operation(), web);
    assert_eq!(verdict, ALLOWED);
    assert_eq!(host.calls.answered.get(), 3);
    assert_eq!(host.calls.unanswered.get(), 0);
}

/// What is kept with a certificate must not outlive what else a decision depends on.
#[test]
fn an_allowance_is_kept_only_if_it_depends_on_the_caller_alone() {
    let web = || FakeHost::with_uri_sans(&[WEB]).at("2026-06-01T12:00:00Z");
    let allow = json!({"id": "web", "effect": "Allow", "from": [{"serviceAccounts": ["web"]}]});
    let deny = json!({"id": "no-admin", "effect": "Deny", "to": [{"paths": ["/admin"]}]});
    let with_path = enforcer(&config(&json!([deny, allow])), &FakeHost::anonymous());
    let admin = || web().without_header(":path").with_header(":path", "/admin");
    for _ in 0..2 {
        assert_eq!(with_path.enforce(&web()), ALLOWED);
        assert_eq!(with_path.enforce(&admin()), Disposition::Answered);
    }
    let mut timed = allow.clone();
    timed["notAfter"] = "2026-06-02T00:00:00Z".into();
    let with_time = enforcer(&config(&json!([timed])), &FakeHost::anonymous());
    for _ in 0..2 {
        assert_eq!(with_time.enforce(&web()), ALLOWED);
        let later = web().at("2026-06-03T00:00:00Z");
        assert_eq!(with_time.enforce(&later), Disposition::Answered);
    }
    let plain = enforcer(&config(&json!([allow])), &FakeHost::anonymous());
    for _ in 0..2 {
        let host = web();
        assert_eq!(plain.enforce(&host), ALLOWED);
        assert_eq!(host.calls.increments.get(), 1);
        let other = FakeHost::with_uri_sans(&[ADMIN]);
        assert_eq!(plain.enforce(&other), Disposition::Answered);
    }
}

#[test]
fn removing_forged_headers_costs_two_checks() {
    let mut config = by_identity();
    config["reporting"] = json!({"upstreamHeader": false});
    let web = || FakeHost::with_uri_sans(&[WEB]);
    let (verdict, host) = calls_when_known(&config, web);
    assert_eq!(verdict, ALLOWED);
    assert_eq!(host.calls.answered.get(), 1);
    assert_eq!(host.calls.unanswered.get(), 2);
    assert_eq!(host.calls.header_writes.get(), 0);
}

#[test]
fn does_not_fetch_attributes_without_candidate_rules() {
    let config = config(&json!([
        {"id": "web", "effect": "Allow", "from": [{"serviceAccounts": ["web"]}],
         "to": [{"methods": ["GET"], "paths": ["/orders"]}]},
        {"id": "admin", "effect": "Allow", "from": [{"serviceAccounts": ["admin"]}]},
    ]));
    let admin = || FakeHost::with_uri_sans(&[ADMIN]);
    let (verdict, host) = calls_when_known(&config, admin);
    assert_eq!(verdict, ALLOWED);
    assert_eq!(host.calls.answered.get(), 1);
}

/// Method, path, host and port; also the content type, which is absent, and the time.
#[test]
fn a_denial_costs_four_more_calls_with_data() {
    let admin = || FakeHost::with_uri_sans(&[ADMIN]);
    let (verdict, host) = calls_when_known(&by_operation(), admin);
    assert_eq!(verdict, Disposition::Answered);
    assert_eq!(host.calls.answered.get(), 1 + 4);
    assert_eq!(host.calls.unanswered.get(), 1);
    assert_eq!(host.calls.time.get(), 1);
}

#[test]
fn parses_a_certificate_once() {
    let host = FakeHost::with_uri_sans(&[WEB]);
    enforcer(&by_identity(), &host).enforce(&host);
    // Digest, first URI SAN, certificate.
    assert_eq!(host.calls.answered.get(), 3);
}

#[test]
fn anonymous_callers_cost_no_call_with_data() {
    let host = FakeHost::anonymous();
    let config = config(&json!([{"id": "all", "effect": "Allow", "from": [{"anonymous": true}]}]));
    let enforcer = enforcer(&config, &FakeHost::anonymous());
    assert_eq!(enforcer.enforce(&host), ALLOWED);
    assert_eq!(host.calls.answered.get(), 0);
    // No certificate, and no waypoint's handshake.
    assert_eq!(host.calls.unanswered.get(), 2);
}

/// A connection whose certificate the listener has not validated.
fn unvalidated() -> FakeHost {
    FakeHost::with_uri_sans(&[WEB]).with_property(b"connection\0peer_certificate_valid", &[0])
}

#[test]
fn a_gateway_ignores_identities_in_unvalidated_certificates() {
    for (node, is_allowed) in [
        (
            "router~10.0.0.1~gateway-0.edge~edge.svc.cluster.local",
            false,
        ),
        (
            "sidecar~10.0.0.1~orders-0.shop~shop.svc.cluster.local",
            true,
        ),
        (
            "waypoint~10.0.0.1~waypoint-0.shop~shop.svc.cluster.local",
            true,
        ),
        ("inbound", true),
    ] {
        for property in [&b"xds\0node\0id"[..], b"node\0id"] {
            let proxy = FakeHost::anonymous().with_property(property, node.as_bytes());
            let verdict = enforcer(&by_identity(), &proxy).enforce(&unvalidated());
            assert_eq!(verdict == ALLOWED, is_allowed, "{node}");
        }
    }
}

#[test]
fn a_declared_gateway_uses_its_declaration() {
    let gateway = |name: &str| {
        FakeHost::anonymous()
            .with_property(
                b"xds\0node\0id",
                b"router~10.0.0.1~gateway-0.edge~edge.svc.cluster.local",
            )
            .with_property(b"xds\0node\0metadata\0NAMESPACE", b"edge")
            .with_property(b"xds\0node\0metadata\0LABELS\0istio", name.as_bytes())
    };
    let mut config = by_identity();
    config["knownGateways"] = json!(["edge/istio=validating", "unvalidated:edge/istio=open"]);
    // Before Envoy 1.39, the proxy does not report whether a certificate was validated.
    let unknown = || FakeHost::with_uri_sans(&[WEB]);
    for (name, request, is_allowed) in [
        ("validating", unvalidated(), true),
        ("validating", unknown(), true),
        ("open", unvalidated(), false),
        ("open", unknown(), false),
        ("third", unvalidated(), false),
        ("third", unknown(), true),
    ] {
        let verdict = enforcer(&config, &gateway(name)).enforce(&request);
        assert_eq!(verdict == ALLOWED, is_allowed, "{name}");
    }
}

#[test]
fn an_unvalidated_certificate_is_not_reported_upstream() {
    let mut config = config(&json!([
        {"id": "all", "effect": "Allow", "from": [{"anonymous": true}], "to": [{"methods": ["GET"]}]},
        {"id": "web", "effect": "Allow", "from": [{"serviceAccounts": ["web"]}]},
    ]));
    config["reporting"] = json!({"upstreamHeader": true});
    let proxy = FakeHost::anonymous().with_property(b"xds\0node\0id", b"router~10.0.0.1~a~b");
    let enforcer = enforcer(&config, &proxy);
    let get = unvalidated();
    assert_eq!(enforcer.enforce(&get), ALLOWED);
    let [header] = &get.header_values(upstream_header::NAME)[..] else {
        panic!("no single value");
    };
    assert!(!header.contains("caller"), "{header}");
    let post = unvalidated()
        .without_header(":method")
        .with_header(":method", "POST");
    assert_eq!(enforcer.enforce(&post), Disposition::Answered);
}

#[test]
fn writes_the_verified_caller_without_a_check() {
    let mut config = by_identity();
    config["reporting"] = json!({"upstreamHeader": true});
    let web = || FakeHost::with_uri_sans(&[WEB]);
    let (verdict, host) = calls_when_known(&config, web);
    assert_eq!(verdict, ALLOWED);
    assert_eq!(host.header_values(upstream_header::NAME).len(), 1);
    assert_eq!(host.calls.answered.get(), 1);
    assert_eq!(host.calls.unanswered.get(), 1);
    assert_eq!(host.calls.header_writes.get(), 1);
}

#[test]
fn forged_callers_never_reach_the_upstream() {
    let mut shadow = by_identity();
    shadow["enforcement"] = "Shadow".into();
    let anonymous =
        config(&json!([{"id": "all", "effect": "Allow", "from": [{"anonymous": true}]}]));
    let reported = |mut config: Value| {
        config["reporting"] = json!({"upstreamHeader": true});
        config
    };
    let removed = |mut config: Value| {
        config["reporting"] = json!({"upstreamHeader": false});
        config
    };
    let web = || FakeHost::with_uri_sans(&[WEB]);
    let cases = [
        (removed(by_identity()), web(), None),
        (reported(by_identity()), web(), Some(WEB)),
        (
            removed(shadow.clone()),
            FakeHost::with_uri_sans(&[ADMIN]),
            None,
        ),
        (
            reported(shadow.clone()),
            FakeHost::with_uri_sans(&[ADMIN]),
            Some(ADMIN),
        ),
        (
            reported(shadow.clone()),
            FakeHost::with_uri_sans(&[WEB, ADMIN]),
            Some("-"),
        ),
        (reported(shadow), FakeHost::anonymous(), Some("-")),
        (removed(anonymous.clone()), FakeHost::anonymous(), None),
        (reported(anonymous), FakeHost::anonymous(), Some("-")),
    ];
    for (config, host, expected) in cases {
        let host = host
            .with_header("x-peergate", "")
            .with_header("X-Peergate", b"caller=\"\xff\"");
        assert_ne!(
            enforcer(&config, &host).enforce(&host),
            Disposition::Answered
        );
        let callers: Vec<_> = host
            .header_values(upstream_header::NAME)
            .iter()
            .map(|value| match value.split_once("caller=\"") {
                Some((_, rest)) => rest.split('"').next().unwrap().to_owned(),
                None => "-".to_owned(),
            })
            .collect();
        let expected: Vec<_> = expected.into_iter().collect();
        assert_eq!(callers, expected, "{config}");
    }
}

#[test]
fn a_denied_request_is_answered_once_and_unchanged() {
    let host = FakeHost::with_uri_sans(&[ADMIN]).with_header("x-peergate", "me");
    let enforcer = enforcer(&by_identity(), &host);
    assert_eq!(enforcer.enforce(&host), Disposition::Answered);
    assert_eq!(host.responses.borrow().len(), 1);
    assert_eq!(host.calls.header_writes.get(), 0);
}

#[test]
fn a_shadow_policy_passes_every_request() {
    let mut config = by_identity();
    config["enforcement"] = "Shadow".into();
    for host in [
        FakeHost::anonymous(),
        FakeHost::with_uri_sans(&[ADMIN]),
        FakeHost::with_uri_sans(&[WEB, ADMIN]),
    ] {
        assert_eq!(
            enforcer(&config, &host).enforce(&host),
            Disposition::Pass(Some(DecisionOutcome::Denied))
        );
        assert!(host.responses.borrow().is_empty());
    }
}

#[test]
fn the_access_log_prefers_shadow_denials() {
    let rule =
        |id: &str, effect: &str| json!({"id": id, "effect": effect, "enforcement": "Shadow"});
    let config = config(&json!([
        {"id": "web", "effect": "Allow", "from": [{"serviceAccounts": ["web"]}]},
        rule("more", "Allow"),
        rule("first", "Deny"),
        rule("second", "Deny"),
        rule("watched", "Audit"),
    ]));
    let host = FakeHost::with_uri_sans(&[WEB]);
    assert_eq!(enforcer(&config, &host).enforce(&host), ALLOWED);
    assert_eq!(host.property(b"peergate_effect").unwrap(), b"shadow_deny");
    assert_eq!(host.property(b"peergate_rule").unwrap(), b"first");
}

#[test]
fn describes_the_active_policy_in_one_line() {
    let mut config = by_identity();
    config["revision"] = "abc123".into();
    let enforcer = enforcer(&config, &FakeHost::anonymous());
    assert_eq!(
        enforcer.to_string(),
        "policy shop/orders is active: revision abc123, 1 rules"
    );
}

#[test]
fn a_rejected_config_defines_no_metrics() {
    let host = FakeHost::anonymous();
    for config in ["", " ", "{", "{}", "null"] {
        Enforcer::new(config.as_bytes(), &host).unwrap_err();
    }
    assert!(host.defined.borrow().is_empty());
}

#[test]
fn otherwise_pass_lets_unmatched_requests_pass() {
    let mut config = config(&json!([
        {"id": "no-admin", "effect": "Deny", "from": [{"serviceAccounts": ["admin"]}]},
    ]));
    config["otherwise"] = "Pass".into();
    config["meshOtherwise"] = "Pass".into();
    for (host, verdict, counted) in [
        (FakeHost::anonymous(), ALLOWED, "- allow not-denied"),
        (
            FakeHost::with_uri_sans(&[WEB]),
            ALLOWED,
            "- allow not-denied",
        ),
        (
            FakeHost::with_uri_sans(&[ADMIN]),
            Disposition::Answered,
            "no-admin deny denied-by-rule",
        ),
        (
            FakeHost::with_uri_sans(&["spiffe://evil/ns/shop/sa/web"]),
            Disposition::Answered,
            "- deny foreign-trust-domain",
        ),
    ] {
        assert_eq!(enforcer(&config, &host).enforce(&host), verdict);
        assert_eq!(host.counted(), [(counted.to_owned(), 1)]);
    }
}

#[test]
fn the_mesh_default_denies_unless_changed() {
    let mut config = config(&json!([]));
    config["otherwise"] = "Pass".into();
    let host = FakeHost::with_uri_sans(&[WEB]);
    assert_eq!(
        enforcer(&config, &host).enforce(&host),
        Disposition::Answered
    );
}
