//! How a proxy forwards a header that a client repeats.

use super::text::TextMatch;

/// The maximum number of header values that are compared with patterns containing a separator.
const MAX_RUNS: usize = 64;

/// The maximum number of values that are compared with patterns one by one.
const MAX_PARTS: usize = 256;

/// The maximum length of a value whose parts are compared. Anyone can send 60 KB to a thousand
/// rules.
const MAX_LENGTH: usize = 16_384;

/// The separator between the values of a repeated header that a proxy joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Separator {
    /// Between list elements (RFC 9110, section 5.3).
    Comma,
    /// Between cookies (RFC 9113, section 8.2.3).
    Semicolon,
}

/// Whether header `name`, which is in lower case, contains the request's host: Envoy presents
/// `Host` as `:authority`.
pub fn is_host_header(name: &str) -> bool {
    matches!(name, "host" | ":authority")
}

impl Separator {
    /// The separator for repeats of header `name`, which is in lower case.
    pub fn for_header(name: &str) -> Self {
        match name {
            "cookie" => Self::Semicolon,
            _ => Self::Comma,
        }
    }

    /// The text that Envoy puts between the values.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Comma => ",",
            Self::Semicolon => "; ",
        }
    }

    /// The values that a client may have sent separately.
    pub(crate) fn parts(self, joined: &[u8]) -> impl Iterator<Item = &[u8]> {
        let parts = joined.split(move |&byte| self.separates(byte));
        parts.map(<[u8]>::trim_ascii)
    }

    /// Whether `is` holds for one of the values that a client may have sent separately. A value
    /// that is too long or has too many parts counts as a match.
    pub(crate) fn any_part(self, joined: &[u8], mut is: impl FnMut(&[u8]) -> bool) -> bool {
        let mut parts = self.parts(joined).enumerate();
        joined.len() > MAX_LENGTH || parts.any(|(before, part)| before >= MAX_PARTS || is(part))
    }

    /// `pattern` normalized like a [`ValueList`]; `None` if it is not about several values.
    pub(crate) fn to_run(self, pattern: &TextMatch) -> Option<Run> {
        let literal = pattern.literal().as_bytes().trim_ascii();
        let mut list = ValueList::default();
        list.add(self, literal);
        let is_list = literal.iter().any(|&byte| self.separates(byte)) && list.text.len() > 1;
        let is_separator = |end: Option<&u8>| end.is_some_and(|&byte| self.separates(byte));
        let needs_neighbor = match pattern {
            TextMatch::Suffix(_) => is_separator(literal.first()),
            TextMatch::Prefix(_) => is_separator(literal.last()),
            TextMatch::Exact(_) | TextMatch::Any => false,
        };
        match pattern {
            TextMatch::Suffix(_) if !needs_neighbor => {
                list.text.remove(0);
            }
            TextMatch::Prefix(_) if !needs_neighbor => {
                list.text.pop();
            }
            _ => {}
        }
        is_list.then_some(Run {
            text: list.text,
            is_end: matches!(pattern, TextMatch::Suffix(_)),
            needs_neighbor,
        })
    }

    /// Whether `pattern` is a prefix or suffix that contains a separator. In the narrow reading it
    /// never matches, because each value must match by itself and none contains a separator.
    pub fn occurs_in_open_pattern(self, pattern: &TextMatch) -> bool {
        match pattern {
            TextMatch::Prefix(literal) | TextMatch::Suffix(literal) => {
                literal.bytes().any(|byte| self.separates(byte))
            }
            TextMatch::Any | TextMatch::Exact(_) => false,
        }
    }

    /// Whether `byte` may separate values.
    fn separates(self, byte: u8) -> bool {
        byte == b',' || (byte == b';' && self == Self::Semicolon)
    }
}

/// All values of a header in a request as one list, separated by commas, trimmed, without empty
/// values. The result does not depend on how a client spells the header or where a proxy joins it.
#[derive(Debug, Default)]
pub(crate) struct ValueList {
    text: Vec<u8>,
    count: usize,
    /// Whether empty values were left out.
    had_empty: bool,
}

/// A pattern for several adjacent values, normalized like a [`ValueList`].
#[derive(Debug)]
pub(crate) struct Run {
    text: Vec<u8>,
    /// Whether the run ends with a whole value, rather than starting with one.
    is_end: bool,
    /// Whether the open end of the pattern is at a separator, so that another value must be there.
    /// It may be empty.
    needs_neighbor: bool,
}

impl ValueList {
    /// Adds the values that a client may have sent separately.
    pub(crate) fn add(&mut self, separator: Separator, joined: &[u8]) {
        if self.text.is_empty() {
            self.text.push(b',');
        }
        for part in separator.parts(joined) {
            self.count += 1;
            if self.count > MAX_RUNS {
                return;
            }
            if part.is_empty() {
                self.had_empty = true;
            } else {
                self.text.extend(part);
                self.text.push(b',');
            }
        }
    }

    /// Whether adjacent values match one of `runs`. More than [`MAX_RUNS`] values count as a match.
    pub(crate) fn has_any(&self, runs: &[Run]) -> bool {
        let is_at = |run: &Run, before: &[u8], after: &[u8]| {
            let (is_there, around) = if run.is_end {
                (before.ends_with(&run.text), before)
            } else {
                (after.starts_with(&run.text), after)
            };
            let has_neighbor = || self.had_empty || around.len() > run.text.len();
            is_there && (!run.needs_neighbor || has_neighbor())
        };
        let mut commas = (0..self.text.len()).filter(|at| self.text.get(*at) == Some(&b','));
        self.count > MAX_RUNS
            || commas.any(|at| {
                let before = self.text.get(..=at).unwrap_or_default();
                let after = self.text.get(at..).unwrap_or_default();
                runs.iter().any(|run| is_at(run, before, after))
            })
    }
}

/// The separator with which Envoy joins repeats of request header `name` before any filter or RBAC
/// sees them. `None` if it keeps the values apart. `name` is in lower case.
///
/// Envoy joins repeated cookies in HTTP/2 and keeps them apart in HTTP/1.1. It joins repeats of
/// `host` in HTTP/1.1; HTTP/2 rejects them. Both reject repeats of `content-length`.
pub fn repeat_separator(name: &str) -> Option<Separator> {
    JOINED_BY_ENVOY
        .contains(&name)
        .then(|| Separator::for_header(name))
}

/// The request headers whose repeats Envoy joins: its inline headers (`INLINE_REQ_HEADERS` and
/// `INLINE_REQ_RESP_HEADERS` in `envoy/http/header_map.h`, and those registered by extensions), and
/// `cookie`. Excludes headers that it removes or sets itself before any filter.
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
