use peergate_engine::decision_id::{DecisionKey, DecisionRecord, RecordedCaller};
use peergate_engine::telemetry::ReasonCode;
use serde_json::{Value, json};

use crate::enforcer::Enforcer;
use crate::fake_host::{ADMIN, FakeHost, WEB, config, enforcer};
use crate::host::LocalResponse;

const OTHER: &str = "spiffe://cluster.local/ns/shop/sa/other";

fn rules() -> Value {
    json!([
        {"id": "web", "effect": "Allow", "notBefore": "2020-01-01T00:00:00Z", "owner": "team-web",
         "notAfter": "2030-01-01T00:00:00Z", "from": [{"serviceAccounts": ["web"]}],
         "to": [{"methods": ["GET"], "paths": ["/orders"]}]},
        {"id": "no-admin", "effect": "Deny", "owner": "team-security", "from": [{"serviceAccounts": ["admin"]}]},
    ])
}

/// The reply to a request at a time, under these reporting settings.
fn reply(reporting: &Value, host: FakeHost, now: &str) -> LocalResponse {
    let host = host.at(now);
    let mut config = config(&rules());
    config["reporting"] = reporting.clone();
    enforcer(&config, &host).enforce(&host);
    let responses = host.responses.borrow();
    responses.first().unwrap().clone()
}

fn during(reporting: &Value, host: FakeHost) -> LocalResponse {
    reply(reporting, host, "2026-01-01T00:00:00Z")
}

/// The body without the decision ID, which must be equal to the header's.
fn body(reply: &LocalResponse) -> Value {
    let mut body: Value = serde_json::from_str(&reply.body).unwrap();
    let id = body.as_object_mut().unwrap().remove("decision").unwrap();
    assert_eq!(header(reply, "x-peergate-decision"), id.as_str());
    body
}

fn header<'r>(reply: &'r LocalResponse, name: &str) -> Option<&'r str> {
    let mut headers = reply.headers.iter();
    headers.find_map(|(known, value)| (*known == name).then_some(value.as_str()))
}

/// A host and a time for each reason to deny.
fn denied() -> Vec<(&'static str, FakeHost, &'static str)> {
    let noon = "2026-01-01T00:00:00Z";
    vec![
        ("denied-by-rule", FakeHost::with_uri_sans(&[ADMIN]), noon),
        ("no-identity", FakeHost::anonymous(), noon),
        (
            "malformed-identity",
            FakeHost::with_uri_sans(&["web"]),
            noon,
        ),
        (
            "foreign-trust-domain",
            FakeHost::with_uri_sans(&["spiffe://evil.example/ns/shop/sa/web"]),
            noon,
        ),
        (
            "expired-rule",
            FakeHost::with_uri_sans(&[WEB]),
            "2031-01-01T00:00:00Z",
        ),
        (
            "rule-not-yet-valid",
            FakeHost::with_uri_sans(&[WEB]),
            "2019-01-01T00:00:00Z",
        ),
        ("no-rule-matched", FakeHost::with_uri_sans(&[OTHER]), noon),
        (
            "unvalidated-certificate",
            FakeHost::with_uri_sans(&[WEB])
                .with_property(b"connection\0peer_certificate_valid", &[0])
                .with_property(b"xds\0node\0id", b"router~10.0.0.1~gateway-0.edge~edge"),
            noon,
        ),
    ]
}

#[test]
fn covers_every_reason_to_deny() {
    let mut codes: Vec<_> = denied().into_iter().map(|(code, ..)| code).collect();
    codes.extend(["allowed-by-rule", "not-denied"]);
    codes.sort_unstable();
    let mut all = ReasonCode::DECISION_REASONS.map(ReasonCode::as_str);
    all.sort_unstable();
    assert_eq!(codes, all);
}

#[test]
fn every_reply_contains_reason_details_and_decision_id() {
    for (code, host, now) in denied() {
        let reply = reply(&json!({}), host, now);
        assert_eq!(reply.status, 403);
        assert_eq!(reply.details, format!("peergate_denied[{code}]"));
        assert_eq!(
            header(&reply, "content-type"),
            Some("application/problem+json")
        );
        assert_eq!(reply.grpc_status, None);
        let id = header(&reply, "x-peergate-decision").unwrap();
        let record = DecisionRecord::decode(id).unwrap();
        let reason = ReasonCode::from_number(record.reason).unwrap();
        assert_eq!(reason.as_str(), code);
        assert_eq!(record.path.unwrap(), b"/orders");
    }
}

#[test]
fn strangers_learn_only_the_decision() {
    for (code, host, now) in denied() {
        let reply = reply(&json!({}), host, now);
        let is_stranger = matches!(
            code,
            "no-identity"
                | "malformed-identity"
                | "foreign-trust-domain"
                | "unvalidated-certificate"
        );
        assert_eq!(
            header(&reply, "x-peergate-reason"),
            (!is_stranger).then_some(code)
        );
        if is_stranger {
            let expected = json!({"type": "about:blank", "title": "Access denied", "status": 403});
            assert_eq!(body(&reply), expected);
        }
    }
}

/// Requests from a gateway come from outside, in whichever of the mesh's trust domains the gateway
/// is.
#[test]
fn callers_through_a_gateway_learn_what_strangers_do() {
    let mut config = config(&rules());
    config["mesh"]["trustDomainAliases"] = json!(["old.example"]);
    config["mesh"]["gateways"] = json!(["edge/public", "edge/partners"]);
    for (caller, is_told) in [
        ("spiffe://cluster.local/ns/edge/sa/public", false),
        ("spiffe://old.example/ns/edge/sa/partners", false),
        ("spiffe://cluster.local/ns/edge/sa/public-2", true),
        ("spiffe://cluster.local/ns/shop/sa/public", true),
        ("spiffe://cluster.local/x/ns/edge/sa/public", true),
        (OTHER, true),
    ] {
        for kind in ["application/json", "application/grpc"] {
            let host = FakeHost::with_uri_sans(&[caller]).with_header("content-type", kind);
            enforcer(&config, &host).enforce(&host);
            let responses = host.responses.borrow();
            let reason = header(&responses[0], "x-peergate-reason");
            assert_eq!(reason, is_told.then_some("no-rule-matched"), "{caller}");
            let is_in_body = responses[0].body.contains("no-rule-matched");
            assert_eq!(is_in_body, is_told, "{caller}");
        }
    }
}

#[test]
fn rejects_a_gateway_without_namespace() {
    for gateway in ["public", "edge/", "edge/public/x", "*/public", ""] {
        let mut config = config(&rules());
        config["mesh"]["gateways"] = json!(["edge/public", gateway]);
        let refused = Enforcer::new(config.to_string().as_bytes(), &FakeHost::anonymous());
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("mesh.gateways[1]"), "{refused}");
    }
}

#[test]
fn mesh_callers_learn_the_nearest_rule_and_differences() {
    let host = FakeHost::with_uri_sans(&[WEB])
        .without_header(":method")
        .with_header(":method", "POST");
    assert_eq!(
        body(&during(&json!({}), host)),
        json!({
            "type": "about:blank",
            "title": "Access denied",
            "status": 403,
            "detail": "No rule allows this request. The nearest rule, `web`, differs in: method.",
            "reason": "no-rule-matched",
            "policy": "shop/orders",
            "rule": "web",
            "differs": ["method"],
            "owner": "team-web",
        })
    );
    let denied = body(&during(&json!({}), FakeHost::with_uri_sans(&[ADMIN])));
    assert_eq!(denied["rule"], "no-admin");
    assert_eq!(denied["owner"], "team-security");
    assert_eq!(denied["detail"], "The rule `no-admin` denies this request.");
    assert_eq!(denied["differs"], Value::Null);
}

#[test]
fn disclosure_is_configurable() {
    let less = json!({"denials": {"toMesh": "Reason", "toStrangers": "Reason"}});
    let expected = json!({
        "type": "about:blank",
        "title": "Access denied",
        "status": 403,
        "detail": "No rule allows this request.",
        "reason": "no-rule-matched",
    });
    assert_eq!(
        body(&during(&less, FakeHost::with_uri_sans(&[OTHER]))),
        expected
    );
    let stranger = during(&less, FakeHost::anonymous());
    assert_eq!(body(&stranger)["reason"], "no-identity");
    let least = json!({"denials": {"toMesh": "Decision"}});
    let reply = during(&least, FakeHost::with_uri_sans(&[OTHER]));
    assert_eq!(header(&reply, "x-peergate-reason"), None);
    assert_eq!(body(&reply)["reason"], Value::Null);
}

#[test]
fn replies_contain_documentation_and_contact() {
    let denials = json!({"documentation": "https://docs.example/denied", "contact": "#mesh-help"});
    let reporting = json!({"denials": denials});
    let reply = body(&during(&reporting, FakeHost::with_uri_sans(&[OTHER])));
    assert_eq!(reply["type"], "https://docs.example/denied#no-rule-matched");
    assert_eq!(reply["contact"], "#mesh-help");
    let stranger = body(&during(&reporting, FakeHost::anonymous()));
    assert_eq!(stranger["type"], "https://docs.example/denied");
    assert_eq!(stranger["contact"], "#mesh-help");
}

#[test]
fn grpc_clients_get_a_status_and_a_short_message() {
    for kind in ["application/grpc", "application/grpc+proto"] {
        let host = FakeHost::with_uri_sans(&[OTHER]).with_header("content-type", kind);
        let reply = during(&json!({}), host);
        assert_eq!(reply.grpc_status, Some(7));
        assert_eq!(header(&reply, "content-type"), None);
        let id = header(&reply, "x-peergate-decision").unwrap();
        let message = format!("access denied: no-rule-matched; decision {id}");
        assert_eq!(reply.body, message);
    }
    let web = FakeHost::anonymous().with_header("content-type", "application/grpc-web");
    assert_eq!(during(&json!({}), web).grpc_status, None);
    let stranger = FakeHost::anonymous().with_header("content-type", "application/grpc");
    let reply = during(&json!({}), stranger);
    assert!(
        reply.body.starts_with("access denied; decision "),
        "{}",
        reply.body
    );
}

#[test]
fn seals_decision_ids_if_a_key_is_configured() {
    let key = DecisionKey::new([7; 32]);
    let host = FakeHost::with_uri_sans(&[WEB]).at("2031-01-01T00:00:00Z");
    let mut config = config(&rules());
    config["decisionKey"] = key.to_base64().into();
    config["revision"] = "5f70bf18a086".into();
    enforcer(&config, &host).enforce(&host);
    let responses = host.responses.borrow();
    let id = header(&responses[0], "x-peergate-decision").unwrap();
    assert!(DecisionRecord::decode(id).is_err());
    let record = DecisionRecord::unseal(id, [("shop/orders".to_owned(), key)]).unwrap();
    assert_eq!(record.caller, RecordedCaller::Workload(WEB.to_owned()));
    assert_eq!(record.rule, Some(0));
    assert_eq!(record.revision.as_deref(), Some("5f70bf18a086"));
    assert_eq!(record.time, 1_924_992_000);
    assert_eq!(record.port, Some(8080));
}
