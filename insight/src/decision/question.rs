//! A question: a request that a proxy can receive.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

use policy_schema::document::PathNormalization;
use policy_schema::engine::{PeerIp, Request};
use policy_schema::timestamp::Timestamp;
use serde_json::{Map, Value, json};

use super::caller::RequestCaller;
use super::claims;
use super::refusal::Refusal;

/// A question about a request.
#[derive(Clone, Debug)]
pub struct Question<'q> {
    /// The caller.
    pub caller: RequestCaller,
    /// The method. None for a connection without HTTP.
    pub method: Option<&'q str>,
    /// The path as sent by the client.
    pub path: Option<&'q str>,
    /// The authority as sent by the client.
    pub host: Option<&'q str>,
    /// The workload port.
    pub port: Option<u16>,
    /// The source address of the connection.
    pub source_ip: Option<IpAddr>,
    /// The forwarded client address.
    pub remote_ip: Option<IpAddr>,
    /// The workload's address.
    pub destination_ip: Option<IpAddr>,
    /// The TLS server name, in lower case.
    pub server_name: Option<Cow<'q, str>>,
    /// Headers as sent by the client. Headers that proxies set have the values that filters see.
    pub headers: Vec<(&'q str, &'q [u8])>,
    /// Headers that filters do not see, even if proxies set them.
    pub absent_headers: Vec<&'q str>,
    /// Dynamic metadata of other filters, by filter.
    pub metadata: Option<Value>,
    /// Whether the metadata contains token claims.
    pub has_claims: bool,
    /// The time of the request.
    pub at: Timestamp,
}

impl Question<'_> {
    /// The normalized path, with the query for conditions on `:path`.
    pub(super) fn path_seen(&self, mode: PathNormalization) -> Result<Option<Vec<u8>>, Refusal> {
        if self.path == Some("*") && self.method != Some("OPTIONS") {
            return Err(Refusal::Asterisk);
        }
        let path = self.path.map(|path| mode.normalize_header(path.as_bytes()));
        Ok(path.transpose()?)
    }

    /// Rejects hosts that Envoy rejects (`HeaderUtility::authorityIsValid`).
    pub(super) fn check_host(&self) -> Result<(), Refusal> {
        let is_refused =
            |letter: &char| !letter.is_ascii_graphic() || "\"#/<>?\\^`{|}".contains(*letter);
        let mut letters = self.host.unwrap_or_default().chars();
        letters
            .find(is_refused)
            .map_or(Ok(()), |letter| Err(Refusal::Host(letter)))
    }

    /// Whether the request is a `CONNECT`. Rules apply to it, but Istio configures no route.
    pub(super) fn is_connect(&self) -> bool {
        self.method == Some("CONNECT")
    }

    /// Rejects an extended `CONNECT`, which Istio never enables.
    pub(super) fn check_connect(&self) -> Result<(), Refusal> {
        if self.is_connect() && self.path.is_some() {
            return Err(Refusal::ExtendedConnect);
        }
        Ok(())
    }

    /// Rejects invalid paths of `connect-udp` upgrades. Envoy checks the path before `connection`.
    pub(super) fn check_udp_path(&self, upgrade: Option<&[u8]>) -> Result<(), Refusal> {
        let is_udp = upgrade.is_some_and(|protocol| protocol.eq_ignore_ascii_case(b"connect-udp"));
        if is_udp && !self.path.is_some_and(is_udp_path) {
            return Err(Refusal::UdpPath);
        }
        Ok(())
    }

    /// Whether the caller has no certificate.
    pub(super) fn is_anonymous(&self) -> bool {
        matches!(self.caller, RequestCaller::Anonymous)
    }

    /// The TLS server name. By default the host without its port, as in most clients.
    pub(super) fn name_in_tls(&self) -> Option<String> {
        let of_host = || {
            let host = self.host?;
            let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
            Some(name).filter(|name| !name.is_empty())
        };
        let name = self.server_name.as_deref().or_else(of_host)?;
        Some(name.to_ascii_lowercase())
    }

    /// Whether the question states what filters see of a header that proxies set.
    pub(super) fn states_header(&self, name: &str) -> bool {
        let is_it = |other: &str| other.eq_ignore_ascii_case(name);
        self.headers.iter().any(|(other, _)| is_it(other))
            || self.absent_headers.iter().any(|other| is_it(other))
    }

    /// Notes about parts of the request that an HTTP version cannot transport.
    pub(super) fn notes_about_version(&self) -> impl Iterator<Item = &'static str> {
        let is_unknown = |method: &str| !HTTP_1_METHODS.contains(&method);
        let method = self.method.filter(|method| is_unknown(method));
        let host = self
            .host
            .filter(|host| host.is_empty() || host.contains('@'));
        let has_lower =
            method.filter(|method| method.bytes().any(|byte| byte.is_ascii_lowercase()));
        let has_lower = has_lower.map(
            |_| "methods are case-sensitive: rules and workloads distinguish this from the method in upper case",
        );
        let method =
            method.map(|_| "the proxy rejects this method over HTTP/1.1; the answer is for HTTP/2");
        let host =
            host.map(|_| "the proxy rejects this host over HTTP/2; the answer is for HTTP/1.1");
        method.into_iter().chain(has_lower).chain(host)
    }

    /// The request as rules see it, with this path and these headers.
    pub(super) fn request<'r>(
        &'r self,
        path: Option<&'r [u8]>,
        headers: &'r [(&'r str, &'r [u8])],
    ) -> Request<'r> {
        Request {
            method: self.method.map(str::as_bytes),
            path,
            authority: self.host.map(str::as_bytes),
            port: self.port,
            local_ip: self.destination_ip,
            peer_ip: self.source_ip.map_or(PeerIp::Absent, PeerIp::Known),
            // Without a forwarded address, the client is the peer.
            remote_ip: self.remote_ip.or(self.source_ip),
            server_name: self.server_name.as_deref().map(str::as_bytes),
            headers,
            metadata: self.metadata.as_ref(),
            client_certificate: self.caller.client_certificate(),
            ..Request::from_peer(self.caller.peer(), self.at)
        }
    }
}

/// The dynamic metadata of a request with these JWT claims and this metadata of other filters.
pub fn metadata(
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
            json!({"payload": claims::normalized(claims)}),
        );
    }
    Some(Value::Object(metadata))
}

/// The methods that Envoy accepts over HTTP/1.1 (`BalsaParser`).
const HTTP_1_METHODS: [&str; 34] = [
    "ACL",
    "BIND",
    "CHECKOUT",
    "CONNECT",
    "COPY",
    "DELETE",
    "GET",
    "HEAD",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MOVE",
    "MSEARCH",
    "NOTIFY",
    "OPTIONS",
    "PATCH",
    "POST",
    "PROPFIND",
    "PROPPATCH",
    "PURGE",
    "PUT",
    "REBIND",
    "REPORT",
    "SEARCH",
    "SOURCE",
    "SUBSCRIBE",
    "TRACE",
    "UNBIND",
    "UNLINK",
    "UNLOCK",
    "UNSUBSCRIBE",
];

/// Parses a method.
pub fn parse_method(text: &str) -> Result<String, String> {
    if text.is_empty() || !text.bytes().all(is_token_byte) {
        return Err("write an HTTP method, such as `GET`".to_owned());
    }
    Ok(text.to_owned())
}

/// Parses a path as sent by a client.
pub fn parse_path(text: &str) -> Result<String, String> {
    if let Some((_, rest)) = text.split_once("://").filter(|_| !text.starts_with('/')) {
        let path = rest.find('/').and_then(|start| rest.get(start..));
        return Err(format!(
            "this is a URL; write only its path, `{}`, and give the host separately",
            path.unwrap_or("/")
        ));
    }
    if text.starts_with('/') || text == "*" {
        Ok(text.to_owned())
    } else {
        Err(format!("a path starts with `/`: write `/{text}`"))
    }
}

/// Parses a host as sent by a client.
pub fn parse_host(text: &str) -> Result<String, String> {
    if let Some((_, rest)) = text.split_once("://") {
        let host = rest.split('/').next().unwrap_or_default();
        return Err(format!("this is a URL; write only its host, `{host}`"));
    }
    Ok(text.to_owned())
}

/// Rejects a request without a method or path.
pub fn check_method_and_path(method: Option<&str>, path: Option<&str>) -> Result<(), &'static str> {
    match (method, path) {
        (None, _) => Err("`method` is missing"),
        (Some("CONNECT"), None) | (Some(_), Some(_)) => Ok(()),
        (Some(_), None) => Err("`path` is missing"),
    }
}

/// Whether a path is a UDP tunnel to a host and port (RFC 9298, section 3).
fn is_udp_path(path: &str) -> bool {
    let target = path.strip_prefix("/.well-known/masque/udp/");
    let parts: Vec<_> = target.unwrap_or_default().split('/').collect();
    matches!(*parts, [host, port, ""] if !host.is_empty() && !port.is_empty())
}

/// The server name as filters see it: Envoy converts it to lower case.
pub fn server_name(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        text.to_ascii_lowercase().into()
    } else {
        text.into()
    }
}

/// Parses a header as `NAME=VALUE`.
pub fn parse_header(text: &str) -> Result<(String, String), String> {
    let Some((name, value)) = text.split_once('=') else {
        return Err("write the name and the value as `NAME=VALUE`".to_owned());
    };
    check_header_name(name)?;
    check_header_value(name, value)?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Rejects invalid header names, and names with their own argument.
pub(super) fn check_header_name(name: &str) -> Result<(), String> {
    if name.eq_ignore_ascii_case("host") {
        return Err(
            "give the host as `host`: proxies convert the header to `:authority`".to_owned(),
        );
    }
    // The scheme is the only pseudo header without its own argument.
    if name != ":scheme" && (name.is_empty() || !name.bytes().all(is_token_byte)) {
        return Err(format!("`{name}` is not a valid header name"));
    }
    Ok(())
}

/// Rejects values with line breaks.
pub(super) fn check_header_value(name: &str, value: &str) -> Result<(), String> {
    if value.contains(['\r', '\n']) {
        return Err(format!(
            "the value of `{name}` must not contain a line break"
        ));
    }
    Ok(())
}

/// Whether proxies set the header on every request (`ConnectionManagerUtility::mutateRequestHeaders`).
pub(super) fn is_always_set(name: &str) -> bool {
    let mut names = [":scheme", "x-forwarded-proto"].into_iter();
    names.any(|set| name.eq_ignore_ascii_case(set))
}

/// Rejects omitting a header that proxies set on every request.
pub(super) fn check_absent_header(name: &str) -> Result<(), String> {
    check_header_name(name)?;
    if is_always_set(name) {
        return Err(format!(
            "proxies set `{name}` on every request; give the value that the filter sees, such as `http` or `https`"
        ));
    }
    Ok(())
}

/// Parses the name of a header that filters do not see.
pub fn parse_absent_header(text: &str) -> Result<String, String> {
    check_absent_header(text)?;
    Ok(text.to_owned())
}

/// Parses JWT claims, as one JSON object.
pub fn parse_claims(text: &str) -> Result<Map<String, Value>, &'static str> {
    serde_json::from_str(text)
        .map_err(|_| "write the claims as a JSON object, such as `{\"iss\": \"…\"}`")
}

/// The characters of an HTTP token (RFC 9110, section 5.6.2).
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_invalid_arguments_with_help() {
        type Parse = fn(&str) -> Result<String, String>;
        for (parse, text, remedy) in [
            (parse_method as Parse, "", "`GET`"),
            (parse_method, "GE T", "`GET`"),
            (parse_absent_header, ":scheme", "`https`"),
            (parse_absent_header, "X-Forwarded-Proto", "`https`"),
            (parse_absent_header, ":path", "not a valid header name"),
            (parse_absent_header, "Host", "as `host`"),
            (parse_path, "cart", "`/cart`"),
            (parse_path, "http://cart.shop/x?y", "`/x?y`"),
            (parse_path, "https://cart.shop", "`/`"),
            (parse_path, "", "`/`"),
            (parse_host, "http://cart.shop:80/x", "`cart.shop:80`"),
        ] {
            let refused = parse(text).unwrap_err();
            assert!(refused.contains(remedy), "{text}: {refused}");
        }
        for (parse, text) in [
            (parse_method as Parse, "GET"),
            (parse_method, "X-CUSTOM"),
            (parse_method, "get"),
            (parse_absent_header, "x-request-id"),
            (parse_path, "/a?b=http://c"),
            (parse_path, "*"),
            (parse_host, "[::1]:80"),
            (parse_host, ""),
            (parse_host, "a, b"),
        ] {
            assert_eq!(parse(text).unwrap(), text);
        }
    }
}
