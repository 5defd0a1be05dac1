//! A line of a request batch.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

use policy_schema::policy::Mesh;
use policy_schema::telemetry::ReasonCode;
use policy_schema::timestamp::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::answer::{Answer, REFUSED_BY_PROXY, RequestVerdict};
use super::caller::{CallerText, RequestCaller};
use super::question::{
    Question, check_absent_header, check_header_name, check_header_value, check_method_and_path,
    metadata, parse_host, parse_method, parse_path, server_name,
};

/// A line of a request batch. Texts without escapes are borrowed from the line.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Line<'l> {
    #[serde(borrow, default)]
    from: Option<Texts<'l>>,
    #[serde(borrow, default)]
    to: Option<Text<'l>>,
    #[serde(default)]
    tcp: bool,
    #[serde(borrow, default)]
    method: Option<Text<'l>>,
    #[serde(borrow, default)]
    path: Option<Text<'l>>,
    #[serde(borrow, default)]
    host: Option<Text<'l>>,
    #[serde(default)]
    port: Option<u16>,
    #[serde(default)]
    source_ip: Option<IpAddr>,
    #[serde(default)]
    remote_ip: Option<IpAddr>,
    #[serde(default)]
    destination_ip: Option<IpAddr>,
    #[serde(borrow, default)]
    server_name: Option<Text<'l>>,
    #[serde(borrow, default)]
    headers: BTreeMap<Text<'l>, Texts<'l>>,
    /// The JWT claims.
    #[serde(default)]
    claims: Option<Map<String, Value>>,
    /// Dynamic metadata of other filters, by filter.
    #[serde(default)]
    metadata: Option<BTreeMap<String, Value>>,
    #[serde(borrow, default)]
    at: Option<Text<'l>>,
    #[serde(borrow, default)]
    expect: Option<Text<'l>>,
    #[serde(borrow, default)]
    reason: Option<Text<'l>>,
    #[serde(borrow, default)]
    rule: Option<Text<'l>>,
}

/// Serde only borrows a `Cow` that is a field itself.
#[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Text<'l>(#[serde(borrow)] Cow<'l, str>);

impl Text<'_> {
    fn as_str<'t>(text: Option<&'t Text<'_>>) -> Option<&'t str> {
        text.map(|Text(text)| &**text)
    }
}

/// One or more texts.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Texts<'l> {
    One(#[serde(borrow)] Text<'l>),
    Each(#[serde(borrow)] Vec<Text<'l>>),
}

impl Texts<'_> {
    fn are_none(&self) -> bool {
        matches!(self, Self::Each(texts) if texts.is_empty())
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        let texts = match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Each(texts) => texts,
        };
        texts.iter().map(|Text(text)| &**text)
    }
}

impl<'l> Line<'l> {
    /// Parses a line. Errors have a column.
    pub(super) fn parse(line: &'l [u8]) -> Result<Self, (usize, String)> {
        let read = serde_json::from_slice(line).map_err(|error| line_error(line, &error));
        // Serde would also accept an array of the fields.
        match line.trim_ascii_start() {
            [b'[', ..] => Err((1, "expected a JSON object".to_owned())),
            _ => read,
        }
    }

    /// The destination, if given.
    pub(super) fn to(&self) -> Option<&str> {
        Text::as_str(self.to.as_ref())
    }

    /// Whether the line is a connection without HTTP.
    pub(super) fn is_tcp(&self) -> bool {
        self.tcp
    }

    /// Converts the line to a question, at the time of the line or else `at`.
    pub(super) fn question(&self, at: Timestamp, mesh: &Mesh) -> Result<Question<'_>, String> {
        let in_field = |field: &'static str| move |reason: String| format!("`{field}`: {reason}");
        let from = self.from.as_ref();
        let from = from.ok_or("`from` is missing: write the caller, or `anonymous`")?;
        let from: Result<Vec<_>, _> = from.iter().map(CallerText::parse).collect();
        let caller = from.and_then(|texts| RequestCaller::new(&texts, mesh));
        let caller = caller.map_err(in_field("from"))?;
        let method = Text::as_str(self.method.as_ref());
        let path = Text::as_str(self.path.as_ref());
        let host = Text::as_str(self.host.as_ref());
        if let Some(method) = method {
            parse_method(method).map_err(in_field("method"))?;
        }
        if let Some(path) = path {
            parse_path(path).map_err(in_field("path"))?;
        }
        if let Some(host) = host {
            parse_host(host).map_err(in_field("host"))?;
        }
        for (Text(name), values) in &self.headers {
            let check = if values.are_none() {
                check_absent_header
            } else {
                check_header_name
            };
            check(name).map_err(in_field("headers"))?;
        }
        let has_http = method.is_some()
            || path.is_some()
            || host.is_some()
            || !self.headers.is_empty()
            || self.claims.is_some();
        match self.tcp {
            true if has_http => {
                return Err(
                    "a connection without HTTP (`tcp`) has no method, path, host, headers or claims".to_owned(),
                );
            }
            true => {}
            false => check_method_and_path(method, path)?,
        }
        let at = match &self.at {
            None => at,
            Some(Text(time)) => {
                Timestamp::parse(time).map_err(|reason| format!("`at`: `{time}` is {reason}"))?
            }
        };
        let headers = self.headers.iter().flat_map(|(Text(name), values)| {
            values.iter().map(move |value| (&**name, value.as_bytes()))
        });
        let headers: Vec<(&str, &[u8])> = headers.collect();
        for (name, value) in &headers {
            let value = std::str::from_utf8(value).unwrap_or_default();
            check_header_value(name, value).map_err(in_field("headers"))?;
        }
        let absent_headers = self
            .headers
            .iter()
            .filter_map(|(Text(name), values)| values.are_none().then_some(&**name));
        Ok(Question {
            caller,
            method,
            path,
            host,
            port: self.port,
            source_ip: self.source_ip,
            remote_ip: self.remote_ip,
            destination_ip: self.destination_ip,
            server_name: Text::as_str(self.server_name.as_ref()).map(server_name),
            headers,
            absent_headers: absent_headers.collect(),
            metadata: metadata(self.claims.clone(), self.metadata.clone()),
            has_claims: self.claims.is_some(),
            at,
        })
    }

    /// Whether the line has a valid expectation.
    pub(super) fn has_expectation(&self) -> Result<bool, String> {
        let known = [
            RequestVerdict::Allow,
            RequestVerdict::Deny,
            RequestVerdict::Refused,
        ]
        .map(RequestVerdict::word);
        if let Some(reason) = Text::as_str(self.reason.as_ref())
            && !ReasonCode::DECISION_REASONS
                .iter()
                .any(|known| known.as_str() == reason)
            && reason != REFUSED_BY_PROXY
        {
            return Err(format!(
                "unknown reason `{reason}`; the reasons are {} and {REFUSED_BY_PROXY}",
                ReasonCode::DECISION_REASONS
                    .map(ReasonCode::as_str)
                    .join(", ")
            ));
        }
        match Text::as_str(self.expect.as_ref()) {
            Some(expected) if !known.contains(&expected) => Err(format!(
                "`expect` must be `allow`, `deny` or `refused`, not `{expected}`"
            )),
            expected => Ok(expected.is_some() || self.reason.is_some() || self.rule.is_some()),
        }
    }

    /// The differences between an answer and the expectation.
    pub(super) fn differences(&self, answer: &Answer<'_>) -> Vec<String> {
        let given = [
            (&self.expect, "", Some(answer.decision.word())),
            (&self.reason, "the reason ", Some(answer.reason)),
            (&self.rule, "the rule ", answer.rule),
        ];
        given
            .into_iter()
            .filter_map(|(expected, what, given)| {
                let expected = Text::as_str(expected.as_ref())?;
                let given_text = given.unwrap_or("none");
                (given != Some(expected))
                    .then(|| format!("expected {what}`{expected}`, got `{given_text}`"))
            })
            .collect()
    }
}

/// The name, type and type check of a field.
type Field = (&'static str, &'static str, fn(&Value) -> bool);

const FIELDS: [Field; 18] = [
    ("from", "a string, or a list of strings", is_texts),
    ("to", "a string", Value::is_string),
    ("tcp", "`true` or `false`", Value::is_boolean),
    ("method", "a string", Value::is_string),
    ("path", "a string", Value::is_string),
    ("host", "a string", Value::is_string),
    ("port", "a number from 0 to 65535", is_port),
    ("sourceIp", "an IP address", is_address),
    ("remoteIp", "an IP address", is_address),
    ("destinationIp", "an IP address", is_address),
    ("serverName", "a string", Value::is_string),
    (
        "headers",
        "an object with a string or a list of strings for each header",
        is_headers,
    ),
    ("claims", "an object", Value::is_object),
    (
        "metadata",
        "an object with an object for each filter",
        Value::is_object,
    ),
    ("at", "a string", Value::is_string),
    ("expect", "a string", Value::is_string),
    ("reason", "a string", Value::is_string),
    ("rule", "a string", Value::is_string),
];

fn is_port(value: &Value) -> bool {
    value
        .as_u64()
        .is_some_and(|port| u16::try_from(port).is_ok())
}

fn is_address(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|text| text.parse::<IpAddr>().is_ok())
}

fn is_texts(value: &Value) -> bool {
    let list = value.as_array();
    value.is_string() || list.is_some_and(|list| list.iter().all(Value::is_string))
}

fn is_headers(value: &Value) -> bool {
    value
        .as_object()
        .is_some_and(|headers| headers.values().all(is_texts))
}

/// Describes a syntax error with its column.
fn line_error(line: &[u8], error: &serde_json::Error) -> (usize, String) {
    let Ok(Value::Object(fields)) = serde_json::from_slice(line) else {
        let is_json = serde_json::from_slice::<Value>(line).is_ok();
        let message = if is_json {
            "expected a JSON object"
        } else {
            "not a JSON object; write one request per line, each as a JSON object"
        };
        return (error.column().max(1), message.to_owned());
    };
    let wrong = fields.iter().find_map(|(name, value)| {
        let known = FIELDS.iter().find(|(known, _, _)| known == name);
        let message = if let Some((_, kind, is_right)) = known {
            (!is_right(value)).then(|| format!("`{name}` must be {kind}"))?
        } else {
            let names = FIELDS.map(|(known, _, _)| known);
            format!(
                "unknown field `{name}`; the fields are {}",
                names.join(", ")
            )
        };
        Some((column_of(line, name), message))
    });
    // The remaining error is a duplicate field.
    wrong.unwrap_or_else(|| {
        (
            error.column().max(1),
            "a field is duplicated or has an invalid value".to_owned(),
        )
    })
}

/// The column of a field name.
fn column_of(line: &[u8], name: &str) -> usize {
    let name = format!("\"{name}\"");
    let found = line
        .windows(name.len())
        .position(|part| part == name.as_bytes());
    found.map_or(1, |position| position + 1)
}
