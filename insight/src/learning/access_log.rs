//! A line of Envoy's access log → an observation.

mod default_text;
mod direction;
mod entry;
mod envelope;

use policy_schema::engine::path_without_query;
use policy_schema::plugin_config::PolicyName;
use policy_schema::telemetry::{DENIAL_DETAILS, DecisionEffect, Label, PolicyLabel};
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

/// Why a line cannot be learned from.
#[derive(Debug, Error)]
pub enum InvalidLogLine {
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
    #[error("`{label}` is no name of a policy: `{0}`", label = Label::Policy.tag())]
    PolicyName(String),
    /// It names no policy, and no option names one for it.
    #[error("it does not say which policy it is of")]
    NoPolicy,
}

/// What of a line is read. The filter's fields are named as its labels are. Nullable fields must still be present, except for the callers: a log without `peer` is not
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
pub(crate) fn read(line: &[u8], policy: Option<&PolicyName>) -> Result<Entry, InvalidLogLine> {
    let line = &*envelope::unwrapped(line);
    if let Some(entry) = default_text::read(line) {
        return Ok(entry);
    }
    // An array of the right length would do for the deserializer.
    if !line.trim_ascii_start().starts_with(b"{") {
        return Err(InvalidLogLine::from_non_json(line));
    }
    let line: Line = serde_json::from_slice(line).map_err(|error| json_error(&error))?;
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
        None => policy.cloned().ok_or(InvalidLogLine::NoPolicy)?,
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

impl InvalidLogLine {
    /// What a line is that does not begin with a JSON object.
    fn from_non_json(line: &[u8]) -> Self {
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
    /// On a sidecar's way out there is no filter and no client certificate. On a gateway all requests go on to
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
            Direction::Unknown => return Outcome::UndeterminedDirection,
        }
        let details = self.response_code_details.as_deref().unwrap_or_default();
        let begins = |denials: &[&str]| denials.iter().any(|denial| details.starts_with(denial));
        let is_denied = self.effect() == Some(DecisionEffect::Deny) || begins(&DENIALS);
        match self.response_code {
            _ if is_denied => Outcome::Denied,
            _ if begins(&DENIALS_ELSEWHERE) => Outcome::DeniedByOtherFilter,
            0 => Outcome::Unanswered,
            status => Outcome::Answered(status),
        }
    }
}

/// Reads the name of a policy as logs have it, `NAMESPACE/NAME`, or as metrics do.
pub(crate) fn policy_name(text: &str) -> Result<PolicyName, InvalidLogLine> {
    let policy = match text.parse::<PolicyName>() {
        Ok(policy) => Some(policy).filter(|it| is_name(&it.namespace) && is_name(&it.name)),
        Err(_) => text.parse().ok().map(|label: PolicyLabel| label.policy()),
    };
    policy.ok_or_else(|| InvalidLogLine::PolicyName(text.to_owned()))
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
fn json_error(error: &serde_json::Error) -> InvalidLogLine {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let message = text.strip_suffix(&place).unwrap_or(&text);
    InvalidLogLine::Json(format!("column {}: {message}", error.column().max(1)))
}

#[cfg(test)]
mod tests;
