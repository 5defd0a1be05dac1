//! How a proxy hands on a header that a client sends more than once.

use super::text::TextMatch;

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
}

impl Separator {
    /// Whether one of the values that may have been sent by themselves `is` what is looked for.
    pub(crate) fn has_part(self, joined: &[u8], is: &mut dyn FnMut(&[u8]) -> bool) -> bool {
        let mut parts = joined.split(|&byte| self.is(byte));
        parts.any(|part| is(part.trim_ascii()))
    }

    /// Whether some of the values, as they stand one after the other, match `pattern` together.
    pub(crate) fn has_run(self, joined: &[u8], pattern: &TextMatch) -> bool {
        let literal = pattern.literal().as_bytes();
        let (mut begins, mut start) = (true, 0);
        for (position, byte) in joined.iter().chain(b",").enumerate() {
            let is_end = self.is(*byte);
            let rest = joined.get(start..).unwrap_or_default();
            let is_match = match pattern {
                TextMatch::Suffix(_) => {
                    let run = joined.get(..position).unwrap_or_default();
                    is_end && run.trim_ascii_end().ends_with(literal)
                }
                TextMatch::Prefix(_) => begins && rest.trim_ascii_start().starts_with(literal),
                TextMatch::Any | TextMatch::Exact(_) => {
                    let after = rest.trim_ascii_start().strip_prefix(literal);
                    let is_over = |after: &[u8]| {
                        let next = after.trim_ascii_start().first();
                        next.is_none_or(|&byte| self.is(byte))
                    };
                    begins && after.is_some_and(is_over)
                }
            };
            if is_match {
                return true;
            }
            begins = is_end;
            start = position.saturating_add(1);
        }
        false
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
