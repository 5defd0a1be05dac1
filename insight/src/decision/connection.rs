//! The HTTP/1.1 header `connection` → the requested upgrade and the nominated hop-by-hop headers.

use std::collections::BTreeSet;

use super::refusal::Refusal;

/// The requested upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Upgrade {
    WebSocket,
    /// Envoy ignores it and removes its headers.
    Http2,
}

/// Headers that `connection` must not name in Envoy, which also rejects requests without `host`.
const PROTECTED: [&str; 4] = [
    "host",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
];

/// The header of an upgrade to HTTP/2.
pub(super) const HTTP2_SETTINGS: &str = "http2-settings";

/// Tokens of `connection` that are not header names.
const OPTIONS: [&str; 5] = [
    "close",
    "connection",
    HTTP2_SETTINGS,
    "keep-alive",
    "upgrade",
];

/// The maximum number of tokens (`MAX_ALLOWED_NOMINATED_HEADERS`).
const MAX_NOMINATIONS: usize = 9;

/// The maximum length of `te` if `connection` names it (`MAX_ALLOWED_TE_VALUE_SIZE`).
const MAX_NAMED_TE_LEN: usize = 255;

impl Upgrade {
    /// The upgrade requested by these values of `connection` and `upgrade`.
    pub(super) fn from_headers(
        connection: Option<&[u8]>,
        upgrade: Option<&[u8]>,
    ) -> Result<Option<Self>, Refusal> {
        let asks = connection.is_some_and(|value| has_token(value, "upgrade"));
        let Some(protocol) = upgrade.filter(|_| asks) else {
            return Ok(None);
        };
        if protocol.eq_ignore_ascii_case(b"h2c") {
            Ok(Some(Self::Http2))
        } else if protocol.eq_ignore_ascii_case(b"websocket") {
            Ok(Some(Self::WebSocket))
        } else {
            let protocol = String::from_utf8_lossy(protocol);
            Err(Refusal::Upgrade(protocol.into_owned()))
        }
    }
}

/// The headers that `connection` nominates as hop-by-hop, in lower case (`Utility::sanitizeConnectionHeader`). `te` is the value
/// of that header.
pub(super) fn nominated(
    connection: &[u8],
    upgrade: Option<Upgrade>,
    te: Option<&[u8]>,
) -> Result<BTreeSet<String>, Refusal> {
    // Envoy has already removed the tokens of an HTTP/2 upgrade.
    let is_gone = |token: &[u8]| {
        let is = |name: &str| token.trim_ascii().eq_ignore_ascii_case(name.as_bytes());
        upgrade == Some(Upgrade::Http2) && (is("upgrade") || is(HTTP2_SETTINGS))
    };
    let nominations = connection.split(|byte| *byte == b',');
    let nominations = nominations.filter(|token| !token.is_empty() && !is_gone(token));
    if nominations.count() > MAX_NOMINATIONS {
        return Err(Refusal::TooManyNamedByConnection);
    }
    let mut named = BTreeSet::new();
    for token in tokens(connection) {
        let token = String::from_utf8_lossy(token).to_ascii_lowercase();
        if token.starts_with(':') || PROTECTED.contains(&&*token) {
            return Err(Refusal::NamedByConnection(token));
        }
        if token == "te" {
            if te.is_some_and(|value| value.len() > MAX_NAMED_TE_LEN) {
                return Err(Refusal::LongTeNamedByConnection);
            }
        } else if !OPTIONS.contains(&&*token) {
            named.insert(token);
        }
    }
    Ok(named)
}

fn tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|byte| *byte == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|token| !token.is_empty())
}

/// Whether a list of tokens contains this one.
fn has_token(value: &[u8], token: &str) -> bool {
    tokens(value).any(|other| other.eq_ignore_ascii_case(token.as_bytes()))
}
