//! A request to ask about.

use std::borrow::Cow;
use std::collections::BTreeMap;

use policy_schema::engine::Request;
use policy_schema::identity::PeerIdentity;
use policy_schema::timestamp::Timestamp;
use serde::Deserialize;

/// A request to ask about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'q> {
    /// None for a caller without identity.
    pub(super) principal: Option<&'q str>,
    pub(super) method: Option<&'q str>,
    pub(super) path: Option<&'q str>,
    pub(super) host: Option<&'q str>,
    pub(super) port: Option<u16>,
    pub(super) at: Timestamp,
}

impl<'q> Question<'q> {
    pub(super) fn request(&self) -> Request<'q> {
        Request {
            peer: PeerIdentity::from_uri_san(self.principal.map(str::as_bytes)),
            method: self.method.map(str::as_bytes),
            path: self.path.map(str::as_bytes),
            host: self.host.map(str::as_bytes),
            port: self.port,
            now: self.at,
        }
    }
}

/// A line of a file of requests. Texts are borrowed from the line unless they have escapes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
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
    /// No rule reads headers yet; they are read to be sure that they could be.
    #[serde(borrow, default, rename = "headers")]
    _headers: Option<BTreeMap<Text<'l>, Text<'l>>>,
    #[serde(borrow, default)]
    at: Option<Text<'l>>,
    #[serde(borrow, default)]
    workload: Option<Text<'l>>,
}

/// Serde borrows a `Cow` only where it is a field by itself.
#[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Text<'l>(#[serde(borrow)] Cow<'l, str>);

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
        Ok(Question {
            principal,
            method: Some(&self.method.0),
            path: Some(&self.path.0),
            host: self.host.as_ref().map(|Text(host)| &**host),
            port: self.port,
            at,
        })
    }
}

/// Whether `text` is a header as `NAME=VALUE`.
pub(super) fn check_header(text: &str) -> Result<(), &'static str> {
    match text.split_once('=') {
        Some((name, _)) if !name.is_empty() && name.bytes().all(is_header_byte) => Ok(()),
        Some(_) => Err("the name is not one that a header can have"),
        None => Err("write the name and the value as `NAME=VALUE`"),
    }
}

/// The characters of an HTTP token (RFC 9110, section 5.6.2).
fn is_header_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
