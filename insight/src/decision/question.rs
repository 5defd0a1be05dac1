//! A request to ask about, such as a proxy can receive it.

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

/// A request to ask about.
#[derive(Clone, Debug)]
pub struct Question<'q> {
    /// Who calls.
    pub caller: RequestCaller,
    /// None for a connection without HTTP.
    pub method: Option<&'q str>,
    /// The path as the client sends it.
    pub path: Option<&'q str>,
    /// The authority as the client sends it.
    pub host: Option<&'q str>,
    /// The port of the workload.
    pub port: Option<u16>,
    /// Where the connection comes from.
    pub source_ip: Option<IpAddr>,
    /// The client's address, where one was forwarded.
    pub remote_ip: Option<IpAddr>,
    /// The address of the workload.
    pub destination_ip: Option<IpAddr>,
    /// The name in the TLS handshake, in lower case.
    pub server_name: Option<Cow<'q, str>>,
    /// As the client sends them; those that proxies set as filters see them.
    pub headers: Vec<(&'q str, &'q [u8])>,
    /// The headers that filters do not see, also where proxies set them.
    pub absent_headers: Vec<&'q str>,
    /// What other filters left, an object for each filter.
    pub metadata: Option<Value>,
    /// Whether claims of a token are among the metadata.
    pub has_claims: bool,
    /// When it is asked.
    pub at: Timestamp,
}

impl Question<'_> {
    /// The path that rules see, with the query that conditions on `:path` see.
    pub(super) fn path_seen(&self, mode: PathNormalization) -> Result<Option<Vec<u8>>, Refusal> {
        if self.path == Some("*") && self.method != Some("OPTIONS") {
            return Err(Refusal::Asterisk);
        }
        let path = self.path.map(|path| mode.normalize_header(path.as_bytes()));
        Ok(path.transpose()?)
    }

    /// Refuses a host that Envoy does (`HeaderUtility::authorityIsValid`).
    pub(super) fn check_host(&self) -> Result<(), Refusal> {
        let is_refused =
            |letter: &char| !letter.is_ascii_graphic() || "\"#/<>?\\^`{|}".contains(*letter);
        let mut letters = self.host.unwrap_or_default().chars();
        letters
            .find(is_refused)
            .map_or(Ok(()), |letter| Err(Refusal::Host(letter)))
    }

    /// Whether it is a `CONNECT`. Rules see it, and no route of Istio's takes it.
    pub(super) fn is_connect(&self) -> bool {
        self.method == Some("CONNECT")
    }

    /// Refuses an extended `CONNECT`, which Istio configures no proxy to accept.
    pub(super) fn check_connect(&self) -> Result<(), Refusal> {
        if self.is_connect() && self.path.is_some() {
            return Err(Refusal::ExtendedConnect);
        }
        Ok(())
    }

    /// Refuses the path of an upgrade to `connect-udp`: Envoy looks at it before it looks at `connection`.
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

    /// The name that the client asks for in TLS: if none is given, the host without its port, as clients do.
    pub(super) fn name_in_tls(&self) -> Option<String> {
        let of_host = || {
            let host = self.host?;
            let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
            Some(name).filter(|name| !name.is_empty())
        };
        let name = self.server_name.as_deref().or_else(of_host)?;
        Some(name.to_ascii_lowercase())
    }

    /// Whether it is known what filters see of a header that proxies set.
    pub(super) fn states_header(&self, name: &str) -> bool {
        let is_it = |other: &str| other.eq_ignore_ascii_case(name);
        self.headers.iter().any(|(other, _)| is_it(other))
            || self.absent_headers.iter().any(|other| is_it(other))
    }

    /// What a version of HTTP does not transport.
    pub(super) fn notes_about_version(&self) -> impl Iterator<Item = &'static str> {
        let is_unknown = |method: &str| !METHODS_OF_HTTP_1.contains(&method);
        let method = self.method.filter(|method| is_unknown(method));
        let host = self
            .host
            .filter(|host| host.is_empty() || host.contains('@'));
        let has_lower =
            method.filter(|method| method.bytes().any(|byte| byte.is_ascii_lowercase()));
        let has_lower = has_lower.map(
            |_| "methods have a case: to rules and workloads this is not the method in upper case",
        );
        let method =
            method.map(|_| "the proxy refuses this method over HTTP/1.1; the answer is for HTTP/2");
        let host =
            host.map(|_| "the proxy refuses this host over HTTP/2; the answer is for HTTP/1.1");
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
            // Unless something was forwarded, the client is the peer.
            remote_ip: self.remote_ip.or(self.source_ip),
            server_name: self.server_name.as_deref().map(str::as_bytes),
            headers,
            metadata: self.metadata.as_ref(),
            client_certificate: self.caller.client_certificate(),
            ..Request::of_peer(self.caller.peer(), self.at)
        }
    }
}

/// The dynamic metadata of a request whose JWT has these claims, and that has this metadata of
/// other filters.
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
            json!({"payload": claims::as_istio_leaves_them(claims)}),
        );
    }
    Some(Value::Object(metadata))
}

/// The methods that Envoy takes over HTTP/1.1 (`BalsaParser`).
const METHODS_OF_HTTP_1: [&str; 34] = [
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

/// Reads a method.
pub fn parse_method(text: &str) -> Result<String, String> {
    if text.is_empty() || !text.bytes().all(is_token_byte) {
        return Err("write an HTTP method, such as `GET`".to_owned());
    }
    Ok(text.to_owned())
}

/// Reads a path as a client sends it.
pub fn parse_path(text: &str) -> Result<String, String> {
    if let Some((_, rest)) = text.split_once("://").filter(|_| !text.starts_with('/')) {
        let path = rest.find('/').and_then(|start| rest.get(start..));
        return Err(format!(
            "this is a URL; write its path, `{}`, and its host as the host",
            path.unwrap_or("/")
        ));
    }
    if text.starts_with('/') || text == "*" {
        Ok(text.to_owned())
    } else {
        Err(format!("a path begins with `/`: write `/{text}`"))
    }
}

/// Reads a host as a client sends it.
pub fn parse_host(text: &str) -> Result<String, String> {
    if let Some((_, rest)) = text.split_once("://") {
        let host = rest.split('/').next().unwrap_or_default();
        return Err(format!("this is a URL; write its host, `{host}`"));
    }
    Ok(text.to_owned())
}

/// Refuses a request without what it must have.
pub fn check_method_and_path(method: Option<&str>, path: Option<&str>) -> Result<(), &'static str> {
    match (method, path) {
        (None, _) => Err("`method` is missing"),
        (Some("CONNECT"), None) | (Some(_), Some(_)) => Ok(()),
        (Some(_), None) => Err("`path` is missing"),
    }
}

/// Whether a path names a host and a port to tunnel UDP to (RFC 9298, section 3).
fn is_udp_path(path: &str) -> bool {
    let target = path.strip_prefix("/.well-known/masque/udp/");
    let parts: Vec<_> = target.unwrap_or_default().split('/').collect();
    matches!(*parts, [host, port, ""] if !host.is_empty() && !port.is_empty())
}

/// The server name as filters see it: Envoy keeps it in lower case.
pub fn server_name(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        text.to_ascii_lowercase().into()
    } else {
        text.into()
    }
}

/// Reads a header as `NAME=VALUE`.
pub fn parse_header(text: &str) -> Result<(String, String), String> {
    let Some((name, value)) = text.split_once('=') else {
        return Err("write the name and the value as `NAME=VALUE`".to_owned());
    };
    check_header_name(name)?;
    check_header_value(name, value)?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Refuses what no header is called, or what has an argument of its own.
pub(super) fn check_header_name(name: &str) -> Result<(), String> {
    if name.eq_ignore_ascii_case("host") {
        return Err("give the host as `host`: proxies make `:authority` of the header".to_owned());
    }
    // Of the pseudo headers only the scheme has no argument of its own.
    if name != ":scheme" && (name.is_empty() || !name.bytes().all(is_token_byte)) {
        return Err(format!("`{name}` is not a name that a header can have"));
    }
    Ok(())
}

/// Refuses a value that would end the header.
pub(super) fn check_header_value(name: &str, value: &str) -> Result<(), String> {
    if value.contains(['\r', '\n']) {
        return Err(format!(
            "the value of `{name}` has a line break, which no header has"
        ));
    }
    Ok(())
}

/// Whether proxies set the header in every request (`ConnectionManagerUtility::mutateRequestHeaders`).
pub(super) fn is_always_set(name: &str) -> bool {
    let mut names = [":scheme", "x-forwarded-proto"].into_iter();
    names.any(|set| name.eq_ignore_ascii_case(set))
}

/// Refuses to leave out a header that proxies set in every request.
pub(super) fn check_absent_header(name: &str) -> Result<(), String> {
    check_header_name(name)?;
    if is_always_set(name) {
        return Err(format!(
            "proxies set `{name}` in every request; give it as the filter sees it, such as `http` or `https`"
        ));
    }
    Ok(())
}

/// Reads the name of a header that filters do not see.
pub fn parse_absent_header(text: &str) -> Result<String, String> {
    check_absent_header(text)?;
    Ok(text.to_owned())
}

/// Reads the claims of a JWT, as one JSON object.
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
    fn what_no_request_has_is_refused_with_what_to_write() {
        type Parse = fn(&str) -> Result<String, String>;
        for (parse, text, remedy) in [
            (parse_method as Parse, "", "`GET`"),
            (parse_method, "GE T", "`GET`"),
            (parse_absent_header, ":scheme", "`https`"),
            (parse_absent_header, "X-Forwarded-Proto", "`https`"),
            (parse_absent_header, ":path", "not a name"),
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
