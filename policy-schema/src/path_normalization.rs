//! Normalizes the `:path` of a request as Envoy does, to the path that rules see.
//!
//! Istio maps `meshConfig.pathNormalization` to three settings of Envoy's HTTP connection manager,
//! and configures proxies to remove a fragment instead of rejecting the request. Envoy applies them
//! in this order (`ConnectionManagerUtility::maybeNormalizePath`):
//!
//! 1. remove the fragment;
//! 2. `DecodeAndMergeSlashes`: decode `%2F` and `%5C`;
//! 3. all but `None`: remove the parameters of dot segments, as in `/a/..;b/c` (since Envoy 1.40);
//! 4. all but `None`: canonicalize as Chromium does, see `canonicalize`;
//! 5. `MergeSlashes`, `DecodeAndMergeSlashes`: merge runs of slashes.
//!
//! The query is unchanged. Only conditions on the header `:path` see it.

use thiserror::Error;

use crate::document::PathNormalization;
use crate::engine::path_without_query;

/// Why a proxy rejects a request before any rule sees it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum RefusedPath {
    /// The path is not absolute, such as `*`.
    #[error("the path does not begin with `/`")]
    NotAbsolute,
    /// The path has a character that no version of HTTP can transport.
    #[error("the path has a space or a control character")]
    InvalidCharacter,
    /// The path has a NUL byte, which cannot be canonicalized.
    #[error("the path has a NUL byte, raw or as `%00`")]
    Nul,
}

impl RefusedPath {
    /// The HTTP status of the proxy's response.
    pub const fn status(self) -> u16 {
        match self {
            Self::NotAbsolute => 404,
            Self::InvalidCharacter | Self::Nul => 400,
        }
    }
}

impl PathNormalization {
    /// The header `:path` as conditions see it: the normalized path, and the query if there is one.
    pub fn normalize_header(self, received: &[u8]) -> Result<Vec<u8>, RefusedPath> {
        let mut header = self.normalize(received)?;
        let without_fragment = received.split(|byte| *byte == b'#').next();
        let query = without_fragment.and_then(|path| {
            let start = path.iter().position(|byte| *byte == b'?')?;
            path.get(start..)
        });
        header.extend_from_slice(query.unwrap_or_default());
        Ok(header)
    }

    /// The normalized path, without query and fragment.
    pub fn normalize(self, received: &[u8]) -> Result<Vec<u8>, RefusedPath> {
        if received.iter().any(|byte| is_refused(*byte)) {
            return Err(RefusedPath::InvalidCharacter);
        }
        if received.first() != Some(&b'/') {
            return Err(RefusedPath::NotAbsolute);
        }
        let mut path = path_without_query(received).to_vec();
        if self >= Self::DecodeAndMergeSlashes {
            path = decode_slashes(&path);
        }
        if self >= Self::Base {
            path = canonicalize(&without_parameters_of_dots(&path))?;
        }
        // From a run of slashes only, Envoy keeps two: the first and the last.
        let is_root = path.iter().all(|byte| *byte == b'/');
        if self >= Self::MergeSlashes && is_root {
            path.truncate(2);
        } else if self >= Self::MergeSlashes {
            path.dedup_by(|byte, before| *byte == b'/' && *before == b'/');
        }
        Ok(path)
    }
}

/// Whether no request target can contain the byte.
fn is_refused(byte: u8) -> bool {
    byte <= b' ' || byte == 0x7f
}

fn decode_slashes(path: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((&byte, after)) = rest.split_first() {
        let slash = match rest {
            [b'%', b'2', b'F' | b'f', ..] => Some(b'/'),
            [b'%', b'5', b'C' | b'c', ..] => Some(b'\\'),
            _ => None,
        };
        decoded.push(slash.unwrap_or(byte));
        rest = match slash {
            Some(_) => rest.get(3..).unwrap_or_default(),
            None => after,
        };
    }
    decoded
}

/// Replaces segments `..;PARAMETERS` and `.;PARAMETERS` with `..` and `.`.
fn without_parameters_of_dots(path: &[u8]) -> Vec<u8> {
    let segments = path.split(|byte| *byte == b'/').map(|segment| {
        if segment.starts_with(b"..;") {
            &b".."[..]
        } else if segment.starts_with(b".;") {
            b"."
        } else {
            segment
        }
    });
    segments.collect::<Vec<_>>().join(&b'/')
}

/// Canonicalizes the path like Chromium's `url::CanonicalizePath`: resolves dot segments, turns
/// backslashes into slashes, decodes escapes of letters, digits and `-._~`, and escapes characters
/// that a URL cannot contain.
fn canonicalize(path: &[u8]) -> Result<Vec<u8>, RefusedPath> {
    let mut canonical = Canonical::default();
    let mut rest = path;
    while let Some((&byte, after)) = rest.split_first() {
        rest = match (byte, dot_length(rest)) {
            (_, length @ 1..) => canonical.dot(rest, length),
            (b'\\', _) => canonical.push(b'/', after),
            (b'%', _) => canonical.percent(rest)?,
            _ if must_be_escaped(byte) => {
                canonical.push_escaped(byte);
                after
            }
            _ => canonical.push(byte, after),
        };
    }
    Ok(canonical.path)
}

/// The output of canonicalization.
#[derive(Default)]
struct Canonical {
    path: Vec<u8>,
    /// The position of the last `%` that does not begin an escape.
    stray_percent: Option<usize>,
}

impl Canonical {
    fn push<'r>(&mut self, byte: u8, rest: &'r [u8]) -> &'r [u8] {
        self.path.push(byte);
        rest
    }

    fn push_escaped(&mut self, byte: u8) {
        let digit = |nibble: u8| match nibble {
            0..10 => b'0' + nibble,
            _ => b'A' + nibble - 10,
        };
        self.path
            .extend([b'%', digit(byte >> 4), digit(byte & 0xf)]);
    }

    /// Handles a dot of this length, and the rest of its segment if it is a dot segment.
    fn dot<'r>(&mut self, rest: &'r [u8], length: usize) -> &'r [u8] {
        let after = rest.get(length..).unwrap_or_default();
        if self.path.last() != Some(&b'/') {
            return self.push(b'.', after);
        }
        if let Some(beyond) = end_of_segment(after) {
            return beyond;
        }
        let second = dot_length(after);
        let after_both = after.get(second..).unwrap_or_default();
        match end_of_segment(after_both) {
            Some(beyond) if second > 0 => {
                self.drop_last_segment();
                beyond
            }
            _ => self.push(b'.', after),
        }
    }

    /// Removes the last segment, but not the leading slash.
    fn drop_last_segment(&mut self) {
        let before = self.path.split_last().map_or(&[][..], |(_, before)| before);
        if let Some(position) = before.iter().rposition(|byte| *byte == b'/') {
            self.path.truncate(position + 1);
        }
    }

    fn percent<'r>(&mut self, rest: &'r [u8]) -> Result<&'r [u8], RefusedPath> {
        let after_escape = rest.get(3..).unwrap_or_default();
        let after_percent = rest.get(1..).unwrap_or_default();
        match (escaped(rest), rest) {
            (Some(0), _) => Err(RefusedPath::Nul),
            (Some(byte), _) if is_unreserved(byte) => {
                self.path.push(byte);
                self.guard_stray_percent(byte, after_escape);
                Ok(after_escape)
            }
            // Unchanged, including the case of its digits.
            (Some(_), [percent, high, low, ..]) => {
                self.path.extend([percent, high, low]);
                Ok(after_escape)
            }
            _ => {
                self.stray_percent = Some(self.path.len());
                Ok(self.push(b'%', after_percent))
            }
        }
    }

    /// `%%34` must not become `%4`, because the next byte could complete an escape. So a stray `%`
    /// before a decoded byte is escaped if the two could begin an escape.
    fn guard_stray_percent(&mut self, decoded: u8, rest: &[u8]) {
        let length = self.path.len();
        let Some(percent) = self.stray_percent.filter(|at| at + 3 >= length) else {
            return;
        };
        let is_next_needed = percent + 2 == length;
        if is_next_needed {
            match rest.first() {
                Some(next) => self.path.push(*next),
                None => return,
            }
        }
        let is_escape = self
            .path
            .get(percent..)
            .is_some_and(|tail| escape_digits(tail).is_some());
        if is_escape {
            if !is_next_needed {
                let first = self.path.get(percent + 1).copied();
                self.path.extend(first);
            }
            for (offset, digit) in [(1, b'2'), (2, b'5')] {
                if let Some(byte) = self.path.get_mut(percent + offset) {
                    *byte = digit;
                }
            }
            self.path.push(decoded);
        } else if is_next_needed {
            self.path.pop();
        }
    }
}

/// The text after a segment that ends here: nothing, or the text after its slash. None if the
/// segment continues.
fn end_of_segment(rest: &[u8]) -> Option<&[u8]> {
    match rest {
        [] => Some(rest),
        [b'/' | b'\\', beyond @ ..] => Some(beyond),
        _ => None,
    }
}

/// The length in bytes of a leading dot, escaped or not. 0 if there is none.
fn dot_length(text: &[u8]) -> usize {
    match text {
        [b'.', ..] => 1,
        [b'%', b'2', b'E' | b'e', ..] => 3,
        _ => 0,
    }
}

/// The byte of a leading escape.
fn escaped(text: &[u8]) -> Option<u8> {
    text.starts_with(b"%").then(|| escape_digits(text))?
}

/// The byte of the two hex digits after the first byte.
fn escape_digits(text: &[u8]) -> Option<u8> {
    let [_, high, low, ..] = text else {
        return None;
    };
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}

/// Whether no normalized path begins with this: an escape that is decoded or refused.
pub(crate) fn is_decoded(text: &[u8], mode: PathNormalization) -> bool {
    escaped(text).is_some_and(|byte| match byte {
        b'/' | b'\\' => mode >= PathNormalization::DecodeAndMergeSlashes,
        0 | b'.' => mode >= PathNormalization::Base,
        _ => mode >= PathNormalization::Base && is_unreserved(byte),
    })
}

/// Whether canonicalization escapes a character.
pub(crate) fn is_escaped_when_raw(char: char) -> bool {
    u8::try_from(char).map_or(true, must_be_escaped)
}

/// Whether a byte is equivalent to its escape.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_~".contains(&byte)
}

fn must_be_escaped(byte: u8) -> bool {
    !byte.is_ascii_graphic() || b"\"#<>?^`{|}".contains(&byte)
}

#[cfg(test)]
mod tests;
