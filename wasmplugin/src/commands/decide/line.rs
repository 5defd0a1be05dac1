//! A line of a file of requests.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

use policy_schema::timestamp::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::question::{Question, metadata};

/// A line of a file of requests. Texts are borrowed from the line unless they have escapes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Line<'l> {
    #[serde(borrow, default)]
    principal: Option<Text<'l>>,
    #[serde(default)]
    anonymous: bool,
    #[serde(borrow)]
    method: Text<'l>,
    #[serde(borrow)]
    path: Text<'l>,
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
    headers: BTreeMap<Text<'l>, HeaderValues<'l>>,
    /// The claims of the request's JWT.
    #[serde(default)]
    claims: Option<Map<String, Value>>,
    /// What other filters left, an object for each filter.
    #[serde(default)]
    metadata: Option<BTreeMap<String, Value>>,
    #[serde(borrow, default)]
    at: Option<Text<'l>>,
    #[serde(borrow, default)]
    workload: Option<Text<'l>>,
}

/// Serde borrows a `Cow` only where it is a field by itself.
#[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Text<'l>(#[serde(borrow)] Cow<'l, str>);

/// One value, or those of a header that is sent several times.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum HeaderValues<'l> {
    One(#[serde(borrow)] Text<'l>),
    Each(#[serde(borrow)] Vec<Text<'l>>),
}

impl Line<'_> {
    /// The policy to ask, if the line names one.
    pub(super) fn workload(&self) -> Option<&str> {
        self.workload.as_ref().map(|Text(name)| &**name)
    }

    /// The question, at the line's own time or else at `at`; or what is wrong with it.
    pub(super) fn question(&self, at: Timestamp) -> Result<Question<'_>, String> {
        let principal = match (&self.principal, self.anonymous) {
            (Some(Text(principal)), false) => Some(&**principal),
            (None, true) => None,
            (Some(_), true) => return Err("`principal` and `anonymous` exclude each other".into()),
            (None, false) => {
                return Err("either `principal` or `\"anonymous\": true` is required".into());
            }
        };
        let at = match &self.at {
            None => at,
            Some(Text(time)) => {
                Timestamp::parse(time).map_err(|reason| format!("`{time}` is {reason}"))?
            }
        };
        let headers = self.headers.iter().flat_map(|(Text(name), values)| {
            let values = match values {
                HeaderValues::One(value) => std::slice::from_ref(value),
                HeaderValues::Each(values) => values,
            };
            values
                .iter()
                .map(move |Text(value)| (&**name, value.as_bytes()))
        });
        Ok(Question {
            principal,
            method: Some(&self.method.0),
            path: Some(&self.path.0),
            host: self.host.as_ref().map(|Text(host)| &**host),
            port: self.port,
            source_ip: self.source_ip,
            remote_ip: self.remote_ip,
            destination_ip: self.destination_ip,
            server_name: self.server_name.as_ref().map(|Text(name)| &**name),
            headers: headers.collect(),
            metadata: metadata(self.claims.clone(), self.metadata.clone()),
            at,
        })
    }
}
