//! A request's path split into segments, once for all templates, and only if there is one to
//! compare with.
//!
//! A path may have 60 KB and a policy thousands of templates. So comparing with a template reads no
//! byte of the path beyond the template's own literals.

use std::cell::OnceCell;

use super::reading::Reading;

/// The number of segments whose position is cached. Templates with more segments before `{**}`
/// split the rest again.
const CACHED_SEGMENTS: usize = 32;

/// A path with the positions of its segments.
#[derive(Clone, Debug)]
pub struct PathParts<'p> {
    path: &'p [u8],
    cuts: OnceCell<Cuts>,
}

/// The positions of a path's segments.
#[derive(Clone, Debug)]
struct Cuts {
    /// The number of segments: one after each slash. 0 if the path does not start with a slash.
    count: usize,
    /// The ends of the first segments.
    ends: [usize; CACHED_SEGMENTS],
    /// A bit for each of the first segments, set if it has a byte that Envoy does not accept for
    /// `{*}`.
    unmatchable: u32,
    /// The position after the last byte, slashes excepted, that Envoy does not accept for an
    /// operator.
    matchable_from: usize,
}

/// A segment of a path, without its slash.
#[derive(Clone, Copy, Debug)]
pub(super) struct PathSegment<'p> {
    pub(super) text: &'p [u8],
    /// Whether Envoy accepts all its bytes for an operator.
    has_path_bytes: bool,
}

impl PathSegment<'_> {
    /// Whether `{*}` matches it.
    pub(super) fn is_one_segment(&self, reading: Reading) -> bool {
        !self.text.is_empty() && (self.has_path_bytes || reading == Reading::Wide)
    }
}

impl Cuts {
    fn new(path: &[u8]) -> Self {
        let mut cuts = Self {
            count: 0,
            ends: [path.len(); CACHED_SEGMENTS],
            unmatchable: 0,
            matchable_from: 0,
        };
        let Some(after_slash) = path.strip_prefix(b"/") else {
            return cuts;
        };
        for (position, &byte) in (1..).zip(after_slash) {
            if byte == b'/' {
                if let Some(end) = cuts.ends.get_mut(cuts.count) {
                    *end = position;
                }
                cuts.count += 1;
            } else if !is_path_byte(byte) {
                cuts.matchable_from = position + 1;
                if cuts.count < CACHED_SEGMENTS {
                    cuts.unmatchable |= 1 << cuts.count;
                }
            }
        }
        cuts.count += 1;
        cuts
    }
}

impl<'p> PathParts<'p> {
    /// A path without query and fragment.
    #[inline]
    pub fn new(path: &'p [u8]) -> Self {
        Self {
            path,
            cuts: OnceCell::new(),
        }
    }

    #[inline]
    fn cuts(&self) -> &Cuts {
        self.cuts.get_or_init(|| Cuts::new(self.path))
    }

    /// The whole path.
    #[inline]
    pub fn path(&self) -> &'p [u8] {
        self.path
    }

    /// The number of segments.
    pub(super) fn count(&self) -> usize {
        self.cuts().count
    }

    /// The segments, each with the position of the next one.
    pub(super) fn segments(&self) -> impl Iterator<Item = (PathSegment<'p>, usize)> {
        let cuts = self.cuts();
        let mut start = 1;
        (0..cuts.count).map_while(move |position| {
            let rest = self.path.get(start..)?;
            let cached_end = cuts.ends.get(position);
            let length = match cached_end {
                Some(end) => end.saturating_sub(start),
                None => rest.iter().take_while(|&&byte| byte != b'/').count(),
            };
            let text = rest.get(..length)?;
            start += length + 1;
            let has_path_bytes = match cached_end {
                Some(_) => cuts.unmatchable & (1 << position) == 0,
                None => text.iter().copied().all(is_path_byte),
            };
            let segment = PathSegment {
                text,
                has_path_bytes,
            };
            Some((segment, start))
        })
    }

    /// The path from `start`, if `{**}` matches it and everything after it.
    pub(super) fn rest(&self, start: usize, reading: Reading) -> Option<&'p [u8]> {
        let is_taken = start >= self.cuts().matchable_from || reading == Reading::Wide;
        is_taken.then(|| self.path.get(start..))?
    }
}

/// The characters that `{*}` matches: those of a segment (RFC 3986, `pchar`).
fn is_path_byte(byte: u8) -> bool {
    is_literal_byte(byte) || byte == b'*'
}

/// The characters that Envoy's URI template matcher accepts in literals.
pub(super) fn is_literal_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.'
                | b'_'
                | b'~'
                | b'%'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'+'
                | b','
                | b';'
                | b':'
                | b'@'
                | b'='
        )
}
