//! How a proxy hands on a header that a client sends more than once.

use super::text::TextMatch;

/// The most values of a header that are compared with patterns that have a separator themselves.
const MAX_RUNS: usize = 64;

/// The most values that are compared with patterns one by one.
const MAX_PARTS: usize = 256;

/// How long a value may be of which the parts are compared. Anyone can send 60 KB to a thousand rules.
const MAX_LENGTH: usize = 16_384;

/// What stands between the values of a header that was sent more than once, where a proxy makes one
/// value of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Separator {
    /// Between list elements (RFC 9110, section 5.3).
    Comma,
    /// Between cookies (RFC 9113, section 8.2.3).
    Semicolon,
}

impl Separator {
    /// The one for repeats of the header `name`, which is in lower case.
    pub fn of_header(name: &str) -> Self {
        match name {
            "cookie" => Self::Semicolon,
            _ => Self::Comma,
        }
    }

    /// What Envoy puts between the values.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Comma => ",",
            Self::Semicolon => "; ",
        }
    }

    /// The values that a client may have sent one by one.
    pub(crate) fn parts(self, joined: &[u8]) -> impl Iterator<Item = &[u8]> {
        let parts = joined.split(move |&byte| self.is(byte));
        parts.map(<[u8]>::trim_ascii)
    }

    /// Whether `is` holds for one of the values that a client may have sent one by one. A longer value, or one
    /// of more parts, than is compared counts as a match.
    pub(crate) fn any_part(self, joined: &[u8], mut is: impl FnMut(&[u8]) -> bool) -> bool {
        let mut parts = self.parts(joined).enumerate();
        joined.len() > MAX_LENGTH || parts.any(|(before, part)| before >= MAX_PARTS || is(part))
    }

    /// Whether consecutive values together match one of `patterns`. More than [`MAX_RUNS`] values count as
    /// a match.
    pub(crate) fn has_run(self, joined: &[u8], patterns: &[TextMatch]) -> bool {
        let (mut count, mut start) = (0, 0);
        let mut parts = joined.split(|&byte| self.is(byte));
        parts.any(|part| {
            count += 1;
            let end = start + part.len();
            let up_to = joined.get(..end).unwrap_or_default().trim_ascii_end();
            let from = joined.get(start..).unwrap_or_default().trim_ascii_start();
            start = end + 1;
            let mut patterns = patterns.iter();
            count > MAX_RUNS || patterns.any(|pattern| self.is_run(pattern, up_to, from))
        })
    }

    /// Whether a run of values matches `pattern` that ends where `up_to` does or begins where `from` does.
    fn is_run(self, pattern: &TextMatch, up_to: &[u8], from: &[u8]) -> bool {
        let is_over = |rest: &[u8]| {
            let next = rest.trim_ascii_start().first();
            next.is_none_or(|&byte| self.is(byte))
        };
        match pattern {
            TextMatch::Suffix(_) => pattern.matches(up_to),
            TextMatch::Prefix(_) | TextMatch::Any => pattern.matches(from),
            TextMatch::Exact(text) => from.strip_prefix(text.as_bytes()).is_some_and(is_over),
        }
    }

    /// Whether `pattern` is about several values.
    pub(crate) fn is_in(self, pattern: &TextMatch) -> bool {
        pattern.literal().bytes().any(|byte| self.is(byte))
    }

    /// Whether `byte` may stand between values.
    fn is(self, byte: u8) -> bool {
        byte == b',' || (byte == b';' && self == Self::Semicolon)
    }
}

/// What Envoy puts between repeats of the request header `name` before any filter or RBAC sees them.
/// `None` where it leaves each value by itself. `name` is in lower case.
///
/// Repeated cookies are joined where they come by HTTP/2; by HTTP/1.1 each stays by itself. Repeats
/// of `host` are joined where they come by HTTP/1.1; HTTP/2 refuses them, as both refuse repeats of
/// `content-length`.
#[cfg(feature = "authoring")]
pub fn separator_of_repeats(name: &str) -> Option<Separator> {
    JOINED_BY_ENVOY
        .contains(&name)
        .then(|| Separator::of_header(name))
}

/// The request headers whose repeats Envoy joins: its inline headers (`INLINE_REQ_HEADERS` and
/// `INLINE_REQ_RESP_HEADERS` in `envoy/http/header_map.h`, and what its extensions register), without
/// those that it removes or sets itself before any filter, and `cookie`.
#[cfg(feature = "authoring")]
pub const JOINED_BY_ENVOY: [&str; 56] = [
    "accept",
    "accept-encoding",
    "access-control-request-headers",
    "access-control-request-method",
    "access-control-request-private-network",
    "authentication",
    "authorization",
    "cache-control",
    "content-encoding",
    "content-type",
    "cookie",
    "expect",
    "grpc-accept-encoding",
    "grpc-timeout",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "origin",
    "pragma",
    "proxy-status",
    "referer",
    "user-agent",
    "via",
    "x-client-trace-id",
    "x-envoy-attempt-count",
    "x-envoy-decorator-operation",
    "x-envoy-downstream-service-cluster",
    "x-envoy-downstream-service-node",
    "x-envoy-expected-rq-timeout-ms",
    "x-envoy-external-address",
    "x-envoy-force-trace",
    "x-envoy-hedge-on-per-try-timeout",
    "x-envoy-ip-tags",
    "x-envoy-is-timeout-retry",
    "x-envoy-max-retries",
    "x-envoy-original-host",
    "x-envoy-original-path",
    "x-envoy-original-url",
    "x-envoy-retriable-header-names",
    "x-envoy-retriable-status-codes",
    "x-envoy-retry-grpc-on",
    "x-envoy-retry-on",
    "x-envoy-upstream-alt-stat-name",
    "x-envoy-upstream-rq-per-try-timeout-ms",
    "x-envoy-upstream-rq-timeout-alt-response",
    "x-envoy-upstream-rq-timeout-ms",
    "x-envoy-upstream-stream-duration-ms",
    "x-forwarded-client-cert",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-request-id",
];

#[cfg(test)]
mod tests;
