//! Headers sent by a client → headers visible to filters and RBAC in Envoy.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use policy_schema::matching::arrival::HeaderArrival;
use policy_schema::matching::header::{Separator, repeat_separator};

use super::connection::{HTTP2_SETTINGS, Upgrade, nominated};
use super::framing::check_framing;
use super::refusal::Refusal;

/// The properties of the receiving listener that affect headers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listener {
    /// Whether the proxy is a sidecar, according to the documents.
    pub(super) is_sidecar: bool,
    /// Whether the caller has no certificate.
    pub(super) is_anonymous: bool,
    /// Whether the proxy forwards `expect: 100-continue` to the workload.
    pub(super) forwards_expectations: bool,
}

impl Listener {
    /// Whether this listener always removes a header that proxies set elsewhere.
    pub(super) fn removes(self, name: &str) -> bool {
        self.is_sidecar && self.is_anonymous && name == "x-forwarded-client-cert"
    }
}

/// The headers visible to filters.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Arrived<'h> {
    pub(super) headers: Vec<(&'h str, Cow<'h, [u8]>)>,
    /// Sent headers that the proxy removes, in lower case, with the reason.
    removed: BTreeMap<String, &'static str>,
    /// Headers that some meshes remove, in lower case.
    uncertain: BTreeSet<String>,
    has_repeated_cookie: bool,
}

/// Sent headers, with repeated headers joined as in Envoy.
#[derive(Debug)]
pub(super) struct Sent<'h> {
    headers: Vec<(&'h str, Cow<'h, [u8]>)>,
    has_repeated_cookie: bool,
}

impl<'h> Sent<'h> {
    /// Parses headers, and rejects those that Envoy's codecs reject.
    pub(super) fn new(headers: &[(&'h str, &'h [u8])]) -> Result<Self, Refusal> {
        for (name, value) in headers {
            if value.iter().any(|byte| is_invalid_in_value(*byte)) {
                return Err(Refusal::HeaderValue((*name).to_owned()));
            }
        }
        let sent = Self {
            headers: joined(headers),
            has_repeated_cookie: has_repeated_cookie(headers),
        };
        check_framing(&sent.headers)?;
        Ok(sent)
    }

    /// The value of `upgrade`.
    pub(super) fn upgrade(&self) -> Option<&[u8]> {
        values(&self.headers, "upgrade").next()
    }

    /// The headers visible to filters.
    pub(super) fn arriving(
        self,
        listener: Listener,
        is_connect: bool,
    ) -> Result<Arrived<'h>, Refusal> {
        let mut arrived = Arrived {
            headers: self.headers,
            has_repeated_cookie: self.has_repeated_cookie,
            ..Arrived::default()
        };
        let upgrade = Upgrade::from_headers(arrived.value("connection"), arrived.value("upgrade"));
        let upgrade = if is_connect {
            // There is no route that would reject an upgrade.
            upgrade.unwrap_or_default()
        } else {
            upgrade?
        };
        let upgrades = upgrade == Some(Upgrade::WebSocket);
        if upgrade == Some(Upgrade::Http2) {
            arrived.remove_where(|name| (name == HTTP2_SETTINGS).then_some(HOP_BY_HOP));
        }
        if !upgrades {
            if let Some(connection) = arrived.value("connection") {
                let named = nominated(connection, upgrade, arrived.value("te"))?;
                arrived.remove_where(|name| named.contains(name).then_some(NAMED));
            }
            arrived.keep_coding_of_trailers();
        }
        arrived.remove("expect", ANSWERED, |value| {
            !listener.forwards_expectations && value.eq_ignore_ascii_case(b"100-continue")
        });
        arrived.remove("referer", INVALID, |value| !is_referer(value));
        let is_forwarded = arrived.value("x-forwarded-for").is_some();
        arrived.remove_where(|name| match HeaderArrival::for_header(name) {
            _ if listener.removes(name) => Some(REPLACED),
            HeaderArrival::Removed => Some(HOP_BY_HOP),
            HeaderArrival::WithUpgrade if !upgrades => Some(HOP_BY_HOP),
            HeaderArrival::InternalOnly if listener.is_sidecar && !is_forwarded => Some(INTERNAL),
            HeaderArrival::WithUpgrade
            | HeaderArrival::InternalOnly
            | HeaderArrival::SetByProxies
            | HeaderArrival::AsSent => None,
        });
        let names = arrived.headers.iter();
        arrived.uncertain = names
            .map(|(name, _)| name.to_ascii_lowercase())
            .filter(|name| HeaderArrival::for_header(name) == HeaderArrival::InternalOnly)
            .collect();
        Ok(arrived)
    }
}

impl Arrived<'_> {
    /// Notes about the answer.
    pub(super) fn notes(&self) -> impl Iterator<Item = String> {
        let removed = self
            .removed
            .iter()
            .map(|(name, reason)| format!("rules do not see the header `{name}`: {reason}"));
        let uncertain = self.uncertain.iter().map(|name| {
            format!(
                "rules see the header `{name}` only from clients that the mesh considers internal; the answer is for \
                 such a client"
            )
        });
        let cookie = self.has_repeated_cookie.then(|| {
            "the proxy joins repeated `cookie` headers only over HTTP/2; the answer is for HTTP/2"
                .to_owned()
        });
        removed.chain(uncertain).chain(cookie)
    }

    /// The first value of a header.
    fn value(&self, name: &str) -> Option<&[u8]> {
        values(&self.headers, name).next()
    }

    /// Reduces `te` to `trailers` if it contains it, and removes any other non-empty value
    /// (`ConnectionManagerUtility::sanitizeTEHeader`).
    fn keep_coding_of_trailers(&mut self) {
        const KEPT: &[u8] = b"trailers";
        let is_kept = |value: &[u8]| {
            value
                .split(|byte| *byte == b',')
                .any(|one| one.trim_ascii() == KEPT)
        };
        self.remove("te", HOP_BY_HOP, |value| {
            !value.is_empty() && !is_kept(value)
        });
        for (name, value) in &mut self.headers {
            if name.eq_ignore_ascii_case("te") && !value.is_empty() {
                *value = KEPT.into();
            }
        }
    }

    fn remove(&mut self, name: &str, reason: &'static str, is_removed: impl Fn(&[u8]) -> bool) {
        let removes = values(&self.headers, name).any(is_removed);
        self.remove_where(|other| (removes && other == name).then_some(reason));
    }

    /// Removes headers with a reason, by name in lower case.
    fn remove_where(&mut self, reason: impl Fn(&str) -> Option<&'static str>) {
        let removed = &mut self.removed;
        self.headers.retain(|(name, _)| {
            let name = name.to_ascii_lowercase();
            let reason = reason(&name);
            if let Some(reason) = reason {
                removed.insert(name, reason);
            }
            reason.is_none()
        });
    }
}

fn values<'v>(headers: &'v [(&str, Cow<'_, [u8]>)], name: &str) -> impl Iterator<Item = &'v [u8]> {
    headers
        .iter()
        .filter(move |(other, _)| other.eq_ignore_ascii_case(name))
        .map(|(_, value)| &**value)
}

const HOP_BY_HOP: &str = "the proxy removes this hop-by-hop header";
const NAMED: &str = "the proxy removes it, because `connection` names it";
const ANSWERED: &str = "the proxy answers it and removes it";
const INVALID: &str =
    "the proxy removes it, because it is not a URL, or has user info or a fragment";
const INTERNAL: &str =
    "the sidecar removes it from requests without an internal address in `x-forwarded-for`";
const REPLACED: &str = "the sidecar removes it from requests without mutual TLS";

fn has_repeated_cookie(sent: &[(&str, &[u8])]) -> bool {
    let mut names = sent.iter().map(|(name, _)| name);
    let is_cookie = |name: &&str| name.eq_ignore_ascii_case("cookie");
    names.by_ref().any(is_cookie) && names.any(is_cookie)
}

/// Headers that Envoy reads itself, with repeats joined, before it removes or forwards them.
const READ_BY_PROXY: [&str; 4] = ["connection", "te", "transfer-encoding", "upgrade"];

/// Joins repeated headers as Envoy does.
fn joined<'h>(sent: &[(&'h str, &'h [u8])]) -> Vec<(&'h str, Cow<'h, [u8]>)> {
    let mut seen: Vec<(&str, Cow<'_, [u8]>)> = Vec::with_capacity(sent.len());
    let mut positions: HashMap<String, usize> = HashMap::new();
    for (name, value) in sent {
        // HTTP allows optional whitespace around a value.
        let value = value.trim_ascii();
        let key = name.to_ascii_lowercase();
        let by_proxy = READ_BY_PROXY.contains(&&*key).then_some(Separator::Comma);
        let Some(separator) = repeat_separator(&key).or(by_proxy) else {
            seen.push((name, Cow::Borrowed(value)));
            continue;
        };
        let known = positions.get(&key).and_then(|at| seen.get_mut(*at));
        if let Some((_, joined)) = known {
            // Empty values are ignored (`HeaderMapImpl::appendToHeader`).
            if value.is_empty() {
                continue;
            }
            let joined = joined.to_mut();
            if !joined.is_empty() {
                joined.extend_from_slice(separator.text().as_bytes());
            }
            joined.extend_from_slice(value);
        } else {
            positions.insert(key, seen.len());
            seen.push((name, Cow::Borrowed(value)));
        }
    }
    seen
}

fn is_invalid_in_value(byte: u8) -> bool {
    byte.is_ascii_control() && byte != b'\t'
}

/// Whether Envoy accepts a value of `referer` (`Utility::isValidRefererValue`).
fn is_referer(value: &[u8]) -> bool {
    let is_uri =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()*+,;=%".contains(byte);
    if !value.iter().all(is_uri) {
        return false;
    }
    let text = String::from_utf8_lossy(value);
    if let Some((scheme, rest)) = text.split_once("://")
        && !scheme.is_empty()
        && scheme.bytes().all(|byte| byte.is_ascii_alphabetic())
    {
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let port = authority.rsplit_once(':').map(|(_, port)| port);
        let is_port = |port: &str| port.parse::<u16>().is_ok() || port.ends_with(']');
        return !authority.is_empty() && !authority.contains('@') && port.is_none_or(is_port);
    }
    // The first segment of a relative reference has no colon.
    !text.split('/').next().unwrap_or_default().contains(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDECAR: Listener = Listener {
        is_sidecar: true,
        is_anonymous: false,
        forwards_expectations: true,
    };

    fn seen(sent: &[(&str, &str)], listener: Listener) -> Result<Vec<(String, String)>, Refusal> {
        let sent: Vec<_> = sent
            .iter()
            .map(|(name, value)| (*name, value.as_bytes()))
            .collect();
        let arrived = Sent::new(&sent)?.arriving(listener, false)?;
        let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
        let headers = arrived.headers.iter();
        Ok(headers
            .map(|(name, value)| ((*name).to_owned(), text(value)))
            .collect())
    }

    #[test]
    fn joins_repeated_headers_as_envoy_does() {
        let sent = [
            ("Accept", "a"),
            ("x-tenant", " 1\t"),
            ("accept", ""),
            ("accept", "b"),
            ("accept-encoding", ""),
            ("accept-encoding", "gzip"),
            ("X-Tenant", "2"),
            ("cookie", "c=1"),
        ];
        let expected = [
            ("Accept", "a,b"),
            ("x-tenant", "1"),
            ("accept-encoding", "gzip"),
            ("X-Tenant", "2"),
            ("cookie", "c=1"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(seen(&sent, SIDECAR).unwrap(), expected);
    }

    #[test]
    fn removes_headers_as_envoy_does() {
        let kept = |sent: &[(&str, &str)]| {
            let seen = seen(sent, SIDECAR).unwrap();
            let names = seen.into_iter().map(|(name, _)| name);
            names.collect::<Vec<_>>().join(" ")
        };
        for (sent, left) in [
            (&[("Keep-Alive", "1"), ("x", "1")][..], "x"),
            (&[("proxy-connection", "close")], ""),
            (&[("transfer-encoding", "chunked")], ""),
            (&[("connection", "close, X-Secret"), ("x-secret", "1")], ""),
            (&[("upgrade", "websocket")], ""),
            (
                &[
                    ("connection", "x, Upgrade"),
                    ("Upgrade", "WebSocket"),
                    ("x", "1"),
                ],
                "connection Upgrade x",
            ),
            (
                &[
                    ("connection", "upgrade, http2-settings"),
                    ("upgrade", "h2c"),
                    ("http2-settings", "x"),
                ],
                "",
            ),
            (&[("te", "gzip, trailers")], "te"),
            (&[("te", "gzip")], ""),
            (&[("te", "gzip"), ("te", "trailers")], "te"),
            (&[("connection", "te"), ("te", "trailers")], "te"),
            (&[("expect", "100-Continue")], "expect"),
            (&[("expect", "other")], "expect"),
            (&[("x-envoy-retry-on", "5xx")], ""),
            (
                &[("x-envoy-retry-on", "5xx"), ("x-forwarded-for", "10.0.0.1")],
                "x-envoy-retry-on x-forwarded-for",
            ),
            (
                &[("x-envoy-decorator-operation", "x")],
                "x-envoy-decorator-operation",
            ),
            (
                &[("x-forwarded-client-cert", "x")],
                "x-forwarded-client-cert",
            ),
            (&[("referer", "foo")], "referer"),
            (&[("referer", "/a")], "referer"),
            (&[("referer", "HTTP://a")], "referer"),
            (&[("referer", "ftp://a:21/?x")], "referer"),
            (&[("referer", "https://a/b#y")], ""),
            (&[("referer", "https://u:p@a/")], ""),
            (&[("referer", "about:blank")], ""),
            (&[("referer", "http://a b/")], ""),
            (&[("referer", "http://")], ""),
            (&[("referer", "http://a:99999/")], ""),
        ] {
            assert_eq!(kept(sent), left, "{sent:?}");
        }
        let anonymous = Listener {
            is_anonymous: true,
            ..SIDECAR
        };
        let forwarded = [("x-forwarded-client-cert", "x")];
        assert_eq!(seen(&forwarded, anonymous).unwrap(), []);
        let answers = Listener {
            forwards_expectations: false,
            ..SIDECAR
        };
        for (value, is_seen) in [("100-Continue", false), ("other", true)] {
            let seen = seen(&[("expect", value)], answers).unwrap();
            assert_eq!(!seen.is_empty(), is_seen, "{value}");
        }
        let gateway = Listener {
            is_sidecar: false,
            ..SIDECAR
        };
        assert_eq!(
            seen(&[("x-envoy-retry-on", "1")], gateway).unwrap().len(),
            1
        );
    }

    #[test]
    fn notes_state_the_assumptions_of_an_answer() {
        let notes = |sent: &[(&str, &str)]| {
            let sent: Vec<_> = sent
                .iter()
                .map(|(name, value)| (*name, value.as_bytes()))
                .collect();
            let arrived = Sent::new(&sent).unwrap().arriving(SIDECAR, false).unwrap();
            arrived.notes().collect::<Vec<_>>().join("\n")
        };
        let forwarded = ("x-forwarded-for", "10.0.0.1");
        let internal = notes(&[("X-Envoy-Retry-On", "5xx"), forwarded]);
        assert!(internal.contains("`x-envoy-retry-on` only from clients"));
        assert!(notes(&[("Cookie", "a=1"), ("cookie", "b=2")]).contains("HTTP/2"));
        assert_eq!(notes(&[("cookie", "a=1; b=2"), forwarded]), "");
    }

    #[test]
    fn refuses_requests_that_envoy_rejects() {
        for (sent, status) in [
            (&[("x", "a\u{1}b")][..], "400"),
            (&[("x", "a\u{7f}")], "400"),
            (&[("connection", "x-forwarded-for")], "400"),
            (&[("connection", ":path")], "400"),
            (&[("connection", "upgrade"), ("upgrade", "other")], "403"),
            (
                &[
                    ("connection", "upgrade"),
                    ("upgrade", "websocket"),
                    ("upgrade", "other"),
                ],
                "403",
            ),
        ] {
            let refusal = seen(sent, SIDECAR).unwrap_err().to_string();
            assert!(refusal.contains(status), "{sent:?}: {refusal}");
        }
        assert!(seen(&[("x", "a\tb\u{e9}")], SIDECAR).is_ok());
    }
}
