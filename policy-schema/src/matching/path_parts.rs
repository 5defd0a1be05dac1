//! A request's path cut into segments, once for all the templates it is compared with.
//!
//! A path may be 60 KB long and a policy may have thousands of templates. Comparing with one template
//! therefore reads no byte of the path beyond the template's own literals.

use super::path::is_path_byte;

/// How many segments are remembered. A template with more of them before its `{**}` reads the rest again.
const REMEMBERED: usize = 32;

/// A path and where its segments are.
#[derive(Clone, Debug)]
pub struct PathParts<'p> {
    path: &'p [u8],
    /// How many segments the path has: one after each slash. None if it does not begin with one.
    count: usize,
    /// Where the first segments end.
    ends: [usize; REMEMBERED],
    /// Which of the first segments have a byte that `{*}` does not take: a bit each.
    unmatchable: u32,
    /// What follows the last byte, slashes aside, that no operator takes.
    matchable_from: usize,
}

/// A segment of a path, without its slash.
#[derive(Clone, Copy, Debug)]
pub(super) struct PathSegment<'p> {
    pub(super) text: &'p [u8],
    /// Whether `{*}` takes it.
    pub(super) is_matchable: bool,
}

impl<'p> PathParts<'p> {
    /// Cuts a path without query and fragment.
    pub fn of(path: &'p [u8]) -> Self {
        let mut parts = Self {
            path,
            count: 0,
            ends: [path.len(); REMEMBERED],
            unmatchable: 0,
            matchable_from: 0,
        };
        let Some(after_slash) = path.strip_prefix(b"/") else {
            return parts;
        };
        for (position, &byte) in (1..).zip(after_slash) {
            if byte == b'/' {
                if let Some(end) = parts.ends.get_mut(parts.count) {
                    *end = position;
                }
                parts.count += 1;
            } else if !is_path_byte(byte) {
                parts.matchable_from = position + 1;
                if parts.count < REMEMBERED {
                    parts.unmatchable |= 1 << parts.count;
                }
            }
        }
        parts.count += 1;
        parts
    }

    /// The path itself.
    pub fn path(&self) -> &'p [u8] {
        self.path
    }

    /// How many segments there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// The segments, each with where the next one starts.
    pub(super) fn segments(&self) -> impl Iterator<Item = (PathSegment<'p>, usize)> {
        let mut start = 1;
        (0..self.count).map_while(move |position| {
            let rest = self.path.get(start..)?;
            let remembered = self.ends.get(position);
            let length = match remembered {
                Some(end) => end.saturating_sub(start),
                None => rest.iter().take_while(|&&byte| byte != b'/').count(),
            };
            let text = rest.get(..length)?;
            start += length + 1;
            let has_other_bytes = match remembered {
                Some(_) => self.unmatchable & (1 << position) != 0,
                None => !text.iter().copied().all(is_path_byte),
            };
            let is_matchable = !text.is_empty() && !has_other_bytes;
            Some((PathSegment { text, is_matchable }, start))
        })
    }

    /// What the path has from `start` on, if `{**}` takes it with all that follows.
    pub(super) fn matchable_rest(&self, start: usize) -> Option<&'p [u8]> {
        (start >= self.matchable_from).then(|| self.path.get(start..))?
    }
}
