//! A line of Envoy's access log → an observation.

mod default_text;
mod direction;
mod entry;
mod envelope;

use policy_schema::engine::path_without_query;
use policy_schema::plugin_config::PolicyName;
use policy_schema::telemetry::{DENIAL_DETAILS, DecisionEffect, PolicyLabel};
use policy_schema::timestamp::Timestamp;
use serde::{Deserialize, Deserializer};
use thiserror::Error;

use super::observed::{Observation, Outcome, Tally};

use direction::{Direction, direction_of};

pub(crate) use entry::Entry;

/// What the details of a response begin with when Peergate's filter or RBAC refused the request. A gRPC call that is
/// refused has the status 200 in the log, so the status does not tell.
const DENIALS: [&str; 2] = [DENIAL_DETAILS, "rbac_access_denied"];

/// The same of other filters, which do not go by the path alone.
const DENIALS_ELSEWHERE: [&str; 3] = [
    "ext_authz_denied",
    "jwt_authn_access_denied",
    "wasm_fail_stream",
];

/// The same of those by which a waypoint reaches a workload. No certificate is presented to the part of it that logs, so
/// `peer` is null there for every caller.
const WAYPOINT: &str = "inbound-vip|";

/// The certificate that a log line reports for the caller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum PeerField {
    /// The log has no such field.
    #[default]
    Missing,
    Null,
    Present(String),
}

/// Why a line is none of an access log that can be learnt from.
#[derive(Debug, Error)]
pub enum InvalidLine {
    /// It is neither a JSON object nor anything else that is recognised.
    #[error("not a JSON object")]
    NoObject,
    /// A program has put its own words before the object.
    #[error("it has text before the JSON object")]
    Prefixed,
    /// The file is in UTF-16.
    #[error("UTF-16, and not UTF-8")]
    Utf16,
    /// The file is compressed.
    #[error("compressed")]
    Compressed,
    /// It has no end within 16 MiB.
    #[error("it does not end")]
    TooLong,
    /// It is not the JSON that is expected.
    #[error("{0}")]
    Json(String),
    /// Its time cannot be read.
    #[error("`start_time` is {0}")]
    Time(#[from] policy_schema::timestamp::InvalidTime),
    /// What it names as its policy is no name of one.
    #[error("`peergate_policy` is no name of a policy: `{0}`")]
    PolicyName(String),
    /// It names no policy, and nobody has named one for it.
    #[error("it does not say which policy it is of")]
    NoPolicy,
}

/// What of a line is read. Nullable fields must still be present, except for the callers: a log without `peer` is not
/// one in which no caller had a certificate, and Istio's own format has none.
#[derive(Debug, Deserialize)]
struct Line {
    start_time: String,
    #[serde(deserialize_with = "nullable")]
    method: Option<String>,
    #[serde(deserialize_with = "nullable")]
    path: Option<String>,
    response_code: u16,
    #[serde(deserialize_with = "nullable")]
    response_code_details: Option<String>,
    #[serde(default)]
    peer: PeerField,
    /// What a waypoint knows of the caller.
    #[serde(default)]
    waypoint_peer: PeerField,
    #[serde(default, deserialize_with = "nullable")]
    authority: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    peergate_policy: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    peergate_rule: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    peergate_effect: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    upstream_cluster: Option<String>,
}

/// Reads a line. Where it does not name a policy, it is of `policy`.
pub(crate) fn read(line: &[u8], policy: Option<&PolicyName>) -> Result<Entry, InvalidLine> {
    let line = &*envelope::opened(line);
    if let Some(entry) = default_text::read(line) {
        return Ok(entry);
    }
    // An array of the right length would do for the deserializer.
    if !line.trim_ascii_start().starts_with(b"{") {
        return Err(InvalidLine::of_other_bytes(line));
    }
    let line: Line = serde_json::from_slice(line).map_err(|error| mistake(&error))?;
    let at = Timestamp::parse(&line.start_time)?;
    let direction = line.direction();
    let peer = match line.caller() {
        PeerField::Missing => {
            return Ok(Entry::WithoutCaller {
                is_outbound: direction == Direction::Outbound,
            });
        }
        PeerField::Null => None,
        PeerField::Present(peer) => Some(peer.clone()),
    };
    let policy = match line.peergate_policy.as_deref() {
        Some(text) => policy_name(text)?,
        None => policy.cloned().ok_or(InvalidLine::NoPolicy)?,
    };
    let outcome = line.outcome(direction);
    let is_allowed = line.effect() == Some(DecisionEffect::Allow);
    Ok(Entry::Request(Observation {
        policy,
        peer,
        method: line.method,
        path: line.path.map(without_query),
        host: line.authority,
        outcome,
        allowed_by: line.peergate_rule.filter(|_| is_allowed),
        tally: Tally::once(at),
    }))
}

impl InvalidLine {
    /// What a line is that does not begin with a JSON object.
    fn of_other_bytes(line: &[u8]) -> Self {
        const UTF_16: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];
        const COMPRESSED: [&[u8]; 2] = [b"\x1f\x8b", b"\x28\xb5\x2f\xfd"];
        let begins = |beginnings: &[&[u8]]| beginnings.iter().any(|it| line.starts_with(it));
        if begins(&UTF_16) {
            Self::Utf16
        } else if begins(&COMPRESSED) {
            Self::Compressed
        } else if line.trim_ascii_end().ends_with(b"}") && line.contains(&b'{') {
            Self::Prefixed
        } else {
            Self::NoObject
        }
    }
}

impl Line {
    /// On a sidecar's way out there is no filter, and nobody presents a certificate. On a gateway all requests go on to
    /// other workloads, and there the filter says of which policy they are.
    fn direction(&self) -> Direction {
        let is_named = |told: &PeerField| matches!(told, PeerField::Present(_));
        if self.peergate_policy.is_some() {
            return Direction::Inbound;
        }
        match direction_of(self.cluster()) {
            Direction::Unknown if is_named(&self.peer) || is_named(&self.waypoint_peer) => {
                Direction::Inbound
            }
            direction => direction,
        }
    }

    /// Who called.
    fn caller(&self) -> &PeerField {
        let is_at_waypoint = self.cluster().starts_with(WAYPOINT);
        match (&self.peer, &self.waypoint_peer) {
            (peer @ PeerField::Present(_), _) => peer,
            (peer, PeerField::Missing) if !is_at_waypoint => peer,
            (_, waypoint_peer) => waypoint_peer,
        }
    }

    /// What the filter did, where it recorded it.
    fn effect(&self) -> Option<DecisionEffect> {
        self.peergate_effect.as_deref()?.parse().ok()
    }

    fn cluster(&self) -> &str {
        self.upstream_cluster.as_deref().unwrap_or_default()
    }

    fn outcome(&self, direction: Direction) -> Outcome {
        match direction {
            Direction::Inbound => {}
            Direction::Outbound => return Outcome::Outbound,
            Direction::Unknown => return Outcome::EitherWay,
        }
        let details = self.response_code_details.as_deref().unwrap_or_default();
        let begins = |denials: &[&str]| denials.iter().any(|denial| details.starts_with(denial));
        let is_denied = self.effect() == Some(DecisionEffect::Deny) || begins(&DENIALS);
        match self.response_code {
            _ if is_denied => Outcome::Denied,
            _ if begins(&DENIALS_ELSEWHERE) => Outcome::DeniedElsewhere,
            0 => Outcome::Unanswered,
            status => Outcome::Answered(status),
        }
    }
}

/// Reads the name of a policy as logs have it, `NAMESPACE/NAME`, or as metrics do.
pub(crate) fn policy_name(text: &str) -> Result<PolicyName, InvalidLine> {
    let policy = match text.split_once('/') {
        Some((namespace, name)) => (is_name(namespace) && is_name(name)).then(|| PolicyName {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }),
        None => text.parse().ok().map(|label: PolicyLabel| label.policy()),
    };
    policy.ok_or_else(|| InvalidLine::PolicyName(text.to_owned()))
}

fn is_name(text: &str) -> bool {
    let may_stand = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.')
    };
    !text.is_empty() && text.bytes().all(may_stand)
}

fn without_query(path: String) -> String {
    let length = path_without_query(path.as_bytes()).len();
    let mut path = path;
    path.truncate(length);
    path
}

/// Envoy writes `-` or null for what a request does not have. No method, path or identity is a dash.
fn nullable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.filter(|text| !matches!(text.as_str(), "" | "-")))
}

impl<'de> Deserialize<'de> for PeerField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(nullable(deserializer)?.map_or(Self::Null, Self::Present))
    }
}

/// What is wrong with the JSON, and at which column: the line is known.
fn mistake(error: &serde_json::Error) -> InvalidLine {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let message = text.strip_suffix(&place).unwrap_or(&text);
    InvalidLine::Json(format!("column {}: {message}", error.column().max(1)))
}

#[cfg(test)]
mod tests {
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
    fn the_line_says_which_policy_it_is_of() {
        for name in ["shop/cart", "shop_cart"] {
            let seen = request(&line(json!({"peergate_policy": name})));
            assert_eq!(seen.policy.to_string(), "shop/cart");
        }
        assert_eq!(policy_name("shop_cart_v2").unwrap().name, "cart.v2");
        let seen = request(&line(json!({"peergate_policy": null})));
        assert_eq!(seen.policy, orders());
    }

    #[test]
    fn what_the_filter_records_is_read_by_its_names() {
        let [policy, rule, effect] = [Label::Policy, Label::Rule, Label::Effect].map(Label::tag);
        let allow = DecisionEffect::Allow;
        let seen = request(&line(
            json!({policy: "shop/cart", rule: "web", effect: allow}),
        ));
        assert_eq!(seen.policy.to_string(), "shop/cart");
        assert_eq!(seen.allowed_by.as_deref(), Some("web"));
    }

    #[test]
    fn knows_what_became_of_the_request() {
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
                Outcome::DeniedElsewhere,
            ),
            (
                json!({"response_code_details": "ext_authz_denied"}),
                Outcome::DeniedElsewhere,
            ),
            (
                json!({"peergate_effect": "shadow_deny"}),
                Outcome::Answered(200),
            ),
            // The workload's own refusal.
            (json!({"response_code": 403}), Outcome::Answered(403)),
        ] {
            let seen = request(&line(changes.clone()));
            assert_eq!(seen.outcome, outcome, "{changes}");
        }
    }

    #[test]
    fn knows_which_way_a_request_went() {
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
            // Nobody presents a certificate to a sidecar on the way out, and no filter is there.
            (json!("(none)"), json!(web), json!("(none)"), answered),
            (json!("(none)"), json!(null), json!(orders), answered),
            (json!(null), json!(null), json!(null), Outcome::EitherWay),
            (
                json!("(none)"),
                json!(null),
                json!("(none)"),
                Outcome::EitherWay,
            ),
            (json!("mine"), json!(null), json!(null), Outcome::EitherWay),
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
    fn takes_null_and_a_dash_for_nothing() {
        for nothing in [json!(null), json!("-"), json!("")] {
            let seen = request(&line(json!({"peer": nothing})));
            assert_eq!(seen.peer, None);
        }
    }

    #[test]
    fn refuses_what_is_no_such_line() {
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
                "no name of a policy",
            ),
        ] {
            let error = read(&text, Some(&orders())).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
        let error = read(&line(json!({})), None).unwrap_err();
        assert!(matches!(error, InvalidLine::NoPolicy));
    }

    #[test]
    fn a_waypoint_knows_the_caller_by_another_name() {
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
        // A log that does not ask for it says nothing: the caller may well have an identity.
        let silent = Entry::WithoutCaller { is_outbound: false };
        assert_eq!(at_waypoint(json!("(none)")), silent);
    }

    #[test]
    fn a_log_without_callers_is_known_for_one() {
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
}
