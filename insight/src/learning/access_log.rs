//! An access log line of Envoy → an observation.

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

/// Prefixes of the response details of denials by the filter or RBAC. The status is insufficient, because a denied gRPC call
/// has the status 200 in the log.
const DENIALS: [&str; 2] = [DENIAL_DETAILS, "rbac_access_denied"];

/// Prefixes of the response details of denials by other filters, which may not depend on the path.
const OTHER_DENIALS: [&str; 3] = [
    "ext_authz_denied",
    "jwt_authn_access_denied",
    "wasm_fail_stream",
];

/// The prefix of clusters from a waypoint to a workload. The logging part of a waypoint receives no certificate, so its `peer`
/// is null for every caller.
const WAYPOINT: &str = "inbound-vip|";

/// The caller's certificate in a log line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum PeerField {
    /// The log does not have the field.
    #[default]
    Missing,
    Null,
    Present(String),
}

/// Why a line cannot be learned from.
#[derive(Debug, Error)]
pub enum InvalidLogLine {
    /// The line is not in a known format.
    #[error("not a JSON object")]
    NotAnObject,
    /// A program has added a prefix.
    #[error("text before the JSON object")]
    Prefixed,
    /// The file is in UTF-16.
    #[error("UTF-16 instead of UTF-8")]
    Utf16,
    /// The file is compressed.
    #[error("compressed")]
    Compressed,
    /// The line is longer than 16 MiB.
    #[error("longer than 16 MiB")]
    TooLong,
    /// The JSON has an unexpected form.
    #[error("{0}")]
    Json(String),
    /// The time is invalid.
    #[error("`start_time` is {0}")]
    Time(#[from] policy_schema::timestamp::InvalidTime),
    /// The name of the policy is invalid.
    #[error("`{label}` is not a policy name: `{0}`", label = Label::Policy.tag())]
    PolicyName(String),
    /// The line names no policy, and the command line does not either.
    #[error("it does not name a policy")]
    NoPolicy,
}

/// The fields of a log line. The filter's fields have the names of its labels. Nullable fields must be present, except for
/// the caller: a log without `peer`, such as one in Istio's default format, does not mean that callers had no certificate.
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
    /// The caller as reported by a waypoint.
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

/// Parses a line. `policy` is the default for lines that do not name one.
pub(crate) fn read(line: &[u8], policy: Option<&PolicyName>) -> Result<Entry, InvalidLogLine> {
    let line = &*envelope::unwrapped(line);
    if let Some(entry) = default_text::read(line) {
        return Ok(entry);
    }
    // The deserializer would also accept an array.
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
    /// Classifies a line that does not start with a JSON object.
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
            Self::NotAnObject
        }
    }
}

impl Line {
    /// Outbound requests of a sidecar have no filter and no client certificate. Requests through a gateway all go to other
    /// workloads, but the filter there names a policy.
    fn direction(&self) -> Direction {
        let is_named = |field: &PeerField| matches!(field, PeerField::Present(_));
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

    /// The caller.
    fn caller(&self) -> &PeerField {
        let is_at_waypoint = self.cluster().starts_with(WAYPOINT);
        match (&self.peer, &self.waypoint_peer) {
            (peer @ PeerField::Present(_), _) => peer,
            (peer, PeerField::Missing) if !is_at_waypoint => peer,
            (_, waypoint_peer) => waypoint_peer,
        }
    }

    /// The effect that the filter recorded.
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
            _ if begins(&OTHER_DENIALS) => Outcome::DeniedByOtherFilter,
            0 => Outcome::Unanswered,
            status => Outcome::Answered(status),
        }
    }
}

/// Parses a policy name, either `NAMESPACE/NAME` or a metric label.
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

/// Envoy writes `-` or null for missing values. No method, path or identity is a dash.
fn nullable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.filter(|text| !matches!(text.as_str(), "" | "-")))
}

impl<'de> Deserialize<'de> for PeerField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(nullable(deserializer)?.map_or(Self::Null, Self::Present))
    }
}

/// Describes a JSON error with its column. The line is already known.
fn json_error(error: &serde_json::Error) -> InvalidLogLine {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let message = text.strip_suffix(&place).unwrap_or(&text);
    InvalidLogLine::Json(format!("column {}: {message}", error.column().max(1)))
}

#[cfg(test)]
mod tests;
