//! Tests of access log parsing.

use policy_schema::telemetry::Label;
use serde_json::{Value, json};

use super::*;

fn line(changes: Value) -> Vec<u8> {
    let mut line = json!({
        "start_time": "2026-06-01T10:00:00.250Z",
        "method": "GET",
        "path": "/orders/7?token=secret#x",
        "authority": "orders.shop",
        "protocol": "HTTP/2",
        "response_code": 200,
        "response_code_details": "via_upstream",
        "peer": "spiffe://cluster.local/ns/shop/sa/web",
        "something_else": [1, 2],
    });
    let Value::Object(changes) = changes else {
        panic!("an object")
    };
    for (name, value) in changes {
        match value {
            Value::String(text) if text == "(none)" => {
                line.as_object_mut().unwrap().remove(&name);
            }
            value => line[name] = value,
        }
    }
    line.to_string().into_bytes()
}

fn request(line: &[u8]) -> Observation {
    match read(line, Some(&orders())).unwrap() {
        Entry::Request(observation) => observation,
        entry @ Entry::WithoutCaller { .. } => panic!("{entry:?}"),
    }
}

fn orders() -> PolicyName {
    policy_name("shop/orders").unwrap()
}

#[test]
fn reads_a_line_without_its_query() {
    let seen = request(&line(json!({})));
    assert_eq!(seen.path.as_deref(), Some("/orders/7"));
    assert_eq!(seen.policy, orders());
    assert_eq!(seen.outcome, Outcome::Answered(200));
    assert_eq!(
        seen.tally.period.first.to_string(),
        "2026-06-01T10:00:00.250000000Z"
    );
}

#[test]
fn reads_the_policy_of_a_line() {
    for name in ["shop/cart", "shop_cart"] {
        let seen = request(&line(json!({"peergate_policy": name})));
        assert_eq!(seen.policy.to_string(), "shop/cart");
    }
    assert_eq!(policy_name("shop_cart_v2").unwrap().name, "cart.v2");
    let seen = request(&line(json!({"peergate_policy": null})));
    assert_eq!(seen.policy, orders());
}

#[test]
fn reads_fields_by_label_names() {
    let [policy, rule, effect] = [Label::Policy, Label::Rule, Label::Effect].map(Label::tag);
    let allow = DecisionEffect::Allow;
    let seen = request(&line(
        json!({policy: "shop/cart", rule: "web", effect: allow}),
    ));
    assert_eq!(seen.policy.to_string(), "shop/cart");
    assert_eq!(seen.allowed_by.as_deref(), Some("web"));
}

#[test]
fn reads_the_outcome() {
    for (changes, outcome) in [
        (json!({"response_code": 404}), Outcome::Answered(404)),
        (json!({"response_code": 0}), Outcome::Unanswered),
        (
            json!({"response_code": 403, "response_code_details": "peergate_denied[no-rule-matched]"}),
            Outcome::Denied,
        ),
        // A gRPC call.
        (
            json!({"response_code_details": "rbac_access_denied_matched_policy[none]"}),
            Outcome::Denied,
        ),
        (json!({"peergate_effect": "deny"}), Outcome::Denied),
        (
            json!({"response_code": 401, "response_code_details": "jwt_authn_access_denied{Jwt_is_expired}"}),
            Outcome::DeniedByOtherFilter,
        ),
        (
            json!({"response_code_details": "ext_authz_denied"}),
            Outcome::DeniedByOtherFilter,
        ),
        (
            json!({"peergate_effect": "shadow_deny"}),
            Outcome::Answered(200),
        ),
        // Rejected by the workload itself.
        (json!({"response_code": 403}), Outcome::Answered(403)),
    ] {
        let seen = request(&line(changes.clone()));
        assert_eq!(seen.outcome, outcome, "{changes}");
    }
}

#[test]
fn reads_the_direction() {
    let (orders, web) = ("shop/orders", "spiffe://cluster.local/ns/shop/sa/web");
    let ads = "outbound|80||ads.shop.svc.cluster.local";
    let answered = Outcome::Answered(200);
    for (cluster, peer, policy, outcome) in [
        (
            json!("inbound-vip|9080|http|reviews.shop.svc.cluster.local"),
            json!(web),
            json!(null),
            answered,
        ),
        (json!(ads), json!(null), json!(null), Outcome::Outbound),
        (
            json!("outbound|80|v2|ads.shop.svc.cluster.local;"),
            json!(null),
            json!("-"),
            Outcome::Outbound,
        ),
        (
            json!("PassthroughCluster"),
            json!(null),
            json!(null),
            Outcome::Outbound,
        ),
        (
            json!("BlackHoleCluster"),
            json!(null),
            json!(null),
            Outcome::Outbound,
        ),
        (json!("inbound|8080||"), json!(null), json!(null), answered),
        (
            json!("inbound|8080||"),
            json!(null),
            json!(orders),
            answered,
        ),
        (
            json!("InboundPassthroughCluster"),
            json!(null),
            json!(null),
            answered,
        ),
        // Outbound requests of a sidecar have no client certificate and no filter.
        (json!("(none)"), json!(web), json!("(none)"), answered),
        (json!("(none)"), json!(null), json!(orders), answered),
        (
            json!(null),
            json!(null),
            json!(null),
            Outcome::UndeterminedDirection,
        ),
        (
            json!("(none)"),
            json!(null),
            json!("(none)"),
            Outcome::UndeterminedDirection,
        ),
        (
            json!("mine"),
            json!(null),
            json!(null),
            Outcome::UndeterminedDirection,
        ),
        // A gateway.
        (json!(ads), json!(web), json!(orders), answered),
    ] {
        let changes = json!({
            "upstream_cluster": cluster, "peer": peer, "peergate_policy": policy,
        });
        let seen = request(&line(changes));
        assert_eq!(seen.outcome, outcome, "{cluster} {peer} {policy}");
    }
}

#[test]
fn reads_null_and_a_dash_as_missing() {
    for nothing in [json!(null), json!("-"), json!("")] {
        let seen = request(&line(json!({"peer": nothing})));
        assert_eq!(seen.peer, None);
    }
}

#[test]
fn rejects_malformed_lines() {
    for (text, reason) in [
        (b"[\"2026-06-01T10:00:00Z\"]".to_vec(), "not a JSON object"),
        (
            b"[2026-06-01T10:00:00.000Z] GET / HTTP/1.1 200".to_vec(),
            "not a JSON object",
        ),
        (b"{\"method\": \"GET\"".to_vec(), "column"),
        (
            b"cart-7d9 istio-proxy {\"a\": 1}".to_vec(),
            "before the JSON",
        ),
        (b"\xff\xfe{\0\"\0".to_vec(), "UTF-16"),
        (b"\x1f\x8b\x08\0".to_vec(), "compressed"),
        (line(json!({"method": "(none)"})), "missing field `method`"),
        (
            line(json!({"start_time": "(none)"})),
            "missing field `start_time`",
        ),
        (line(json!({"start_time": "now"})), "not a UTC time"),
        (line(json!({"response_code": "200"})), "invalid type"),
        (
            line(json!({"peergate_policy": "Shop/../x"})),
            "not a policy name",
        ),
    ] {
        let error = read(&text, Some(&orders())).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    let error = read(&line(json!({})), None).unwrap_err();
    assert!(matches!(error, InvalidLogLine::NoPolicy));
}

#[test]
fn reads_the_caller_from_a_waypoint() {
    let (vip, web) = (
        "inbound-vip|9080|http|reviews.shop.svc.cluster.local",
        "spiffe://cluster.local/ns/shop/sa/web",
    );
    let at_waypoint = |waypoint_peer: Value| {
        let changes = json!({
            "upstream_cluster": vip, "peer": null, "waypoint_peer": waypoint_peer,
        });
        read(&line(changes), Some(&orders())).unwrap()
    };
    for (waypoint_peer, peer) in [(json!(web), Some(web)), (json!(null), None)] {
        let Entry::Request(seen) = at_waypoint(waypoint_peer) else {
            panic!("{peer:?}")
        };
        assert_eq!(seen.peer.as_deref(), peer);
        assert_eq!(seen.outcome, Outcome::Answered(200));
    }
    // Without the field, the caller may still have an identity.
    let silent = Entry::WithoutCaller { is_outbound: false };
    assert_eq!(at_waypoint(json!("(none)")), silent);
}

#[test]
fn recognizes_logs_without_callers() {
    for (cluster, is_outbound) in [
        (json!("inbound|8080||"), false),
        (json!("outbound|80||ads.shop.svc.cluster.local"), true),
        (json!(null), false),
    ] {
        let changes = json!({"peer": "(none)", "upstream_cluster": cluster});
        // It needs no policy either.
        let entry = read(&line(changes), None).unwrap();
        assert_eq!(entry, Entry::WithoutCaller { is_outbound }, "{cluster}");
    }
}
