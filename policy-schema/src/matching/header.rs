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
    /// The values that may have been sent by themselves. A cookie may have been joined in either way.
    pub(crate) fn split(self, joined: &[u8]) -> impl Iterator<Item = &[u8]> {
        joined
            .split(move |&byte| self.is(byte))
            .map(<[u8]>::trim_ascii)
    }

    /// Whether some of the values, as they stand one after the other, match `pattern` together.
    pub(crate) fn has_run(self, joined: &[u8], pattern: &TextMatch) -> bool {
        let literal = pattern.literal().as_bytes();
        let is_end = |rest: &[u8]| {
            let rest = rest.trim_ascii_start();
            rest.first().is_none_or(|&byte| self.is(byte))
        };
        let separators = joined.iter().enumerate();
        let separators = separators.filter(|(_, byte)| self.is(**byte));
        let separators = separators.map(|(position, _)| position);
        if let TextMatch::Suffix(_) = pattern {
            let mut ends = separators.chain([joined.len()]);
            return ends.any(|end| {
                let run = joined.get(..end).unwrap_or_default();
                run.trim_ascii_end().ends_with(literal)
            });
        }
        let starts = separators.map(|position| position.saturating_add(1));
        [0].into_iter().chain(starts).any(|start| {
            let run = joined.get(start..).unwrap_or_default().trim_ascii_start();
            let rest = run.strip_prefix(literal);
            rest.is_some_and(|rest| matches!(pattern, TextMatch::Prefix(_)) || is_end(rest))
        })
    }

    /// Whether `byte` may stand between values.
    pub(crate) fn is(self, byte: u8) -> bool {
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
