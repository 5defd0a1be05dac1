//! A request to ask about.

use std::collections::BTreeMap;
use std::net::IpAddr;

use policy_schema::engine::{PeerIp, Request};
use policy_schema::identity::PeerIdentity;
use policy_schema::timestamp::Timestamp;
use serde_json::{Map, Value, json};

/// A request to ask about.
#[derive(Clone, Debug)]
pub(super) struct Question<'q> {
    /// None for a caller without identity.
    pub(super) principal: Option<&'q str>,
    pub(super) method: Option<&'q str>,
    pub(super) path: Option<&'q str>,
    pub(super) host: Option<&'q str>,
    pub(super) port: Option<u16>,
    pub(super) source_ip: Option<IpAddr>,
    pub(super) remote_ip: Option<IpAddr>,
    pub(super) destination_ip: Option<IpAddr>,
    pub(super) server_name: Option<&'q str>,
    pub(super) headers: Vec<(&'q str, &'q [u8])>,
    /// What other filters left, an object for each filter.
    pub(super) metadata: Option<Value>,
    pub(super) at: Timestamp,
}

impl Question<'_> {
    pub(super) fn request(&self) -> Request<'_> {
        Request {
            method: self.method.map(str::as_bytes),
            path: self.path.map(str::as_bytes),
            host: self.host.map(str::as_bytes),
            port: self.port,
            local_ip: self.destination_ip.map(|address| address.to_canonical()),
            peer_ip: self.source_ip.map_or(PeerIp::Absent, |address| {
                PeerIp::Known(address.to_canonical())
            }),
            // Unless something was forwarded, the client is the peer.
            remote_ip: self
                .remote_ip
                .or(self.source_ip)
                .map(|address| address.to_canonical()),
            server_name: self.server_name.map(str::as_bytes),
            headers: &self.headers,
            metadata: self.metadata.as_ref(),
            ..Request::of_peer(
                PeerIdentity::from_uri_san(self.principal.map(str::as_bytes)),
                self.at,
            )
        }
    }
}

/// The dynamic metadata of a request whose JWT has these claims, and that has this metadata of
/// other filters.
pub(super) fn metadata(
    claims: Option<Map<String, Value>>,
    filters: Option<BTreeMap<String, Value>>,
) -> Option<Value> {
    if claims.is_none() && filters.is_none() {
        return None;
    }
    let mut metadata: Map<String, Value> = filters.unwrap_or_default().into_iter().collect();
    if let Some(claims) = claims {
        metadata.insert(
            "envoy.filters.http.jwt_authn".to_owned(),
            json!({"payload": claims}),
        );
    }
    Some(Value::Object(metadata))
}

/// Reads a header as `NAME=VALUE`.
pub(super) fn parse_header(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && name.bytes().all(is_header_byte) => {
            Ok((name.to_owned(), value.to_owned()))
        }
        Some(_) => Err("the name is not one that a header can have"),
        None => Err("write the name and the value as `NAME=VALUE`"),
    }
}

/// Reads a label as `NAME=VALUE`.
pub(in crate::commands) fn parse_label(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text
        .split_once('=')
        .ok_or("write the name and the value as `NAME=VALUE`")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Reads the claims of a JWT, as one JSON object.
pub(super) fn parse_claims(text: &str) -> Result<Map<String, Value>, String> {
    serde_json::from_str(text).map_err(|error| format!("not a JSON object of claims: {error}"))
}

/// The characters of an HTTP token (RFC 9110, section 5.6.2).
fn is_header_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
