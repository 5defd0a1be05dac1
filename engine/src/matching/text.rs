//! Exact, prefix, suffix and presence matching for all text fields of a rule.
//!
//! Istio interprets a value in this order: `*`, then a leading `*`, then a trailing `*`, else exact
//! (`AuthorizationPolicy`, "Source" and "Operation"). It would compare a `*` anywhere else
//! literally, so that the pattern would never match. Such patterns are rejected here.

mod cover;

use std::fmt;

use thiserror::Error;

pub use cover::TextCover;

/// A pattern over a text attribute. It compares bytes. For case-insensitive fields, both sides are
/// converted to lower case first.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TextMatch {
    /// `*`: any value that is present and not empty.
    Any,
    /// `value`: exactly this value.
    Exact(Box<str>),
    /// `value*`: every text with this prefix.
    Prefix(Box<str>),
    /// `*value`: every text with this suffix.
    Suffix(Box<str>),
}

/// A pattern with a misplaced `*`.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("`*` is only allowed at the start or the end")]
pub struct InvalidWildcard;

impl TextMatch {
    /// Parses a pattern in Istio's syntax.
    pub fn parse(pattern: &str) -> Result<Self, InvalidWildcard> {
        let (kind, literal): (fn(Box<str>) -> Self, _) = if pattern == "*" {
            return Ok(Self::Any);
        } else if let Some(suffix) = pattern.strip_prefix('*') {
            (Self::Suffix, suffix)
        } else if let Some(prefix) = pattern.strip_suffix('*') {
            (Self::Prefix, prefix)
        } else {
            (Self::Exact, pattern)
        };
        if literal.contains('*') {
            return Err(InvalidWildcard);
        }
        Ok(kind(literal.into()))
    }

    /// The meaning of `*` in a field where it matches every value that is present, even an empty
    /// one.
    pub(crate) fn present() -> Self {
        Self::Prefix("".into())
    }

    /// Whether the pattern is `*`.
    pub fn is_any(&self) -> bool {
        *self == Self::Any || *self == Self::present()
    }

    /// Whether the pattern is exact or `*`, rather than a prefix or suffix.
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self, Self::Exact(_)) || self.literal().is_empty()
    }

    /// Whether `text` matches.
    #[inline]
    pub fn matches(&self, text: &[u8]) -> bool {
        match self {
            Self::Any => !text.is_empty(),
            Self::Exact(value) => text == value.as_bytes(),
            Self::Prefix(value) => text.starts_with(value.as_bytes()),
            Self::Suffix(value) => text.ends_with(value.as_bytes()),
        }
    }

    /// Whether `text` matches, ignoring ASCII case. The pattern must be in lower case.
    pub fn matches_ignoring_case(&self, text: &[u8]) -> bool {
        let literal = self.literal().as_bytes();
        let part = match self {
            Self::Any => return !text.is_empty(),
            Self::Exact(_) => Some(text),
            Self::Prefix(_) => text.get(..literal.len()),
            Self::Suffix(_) => text
                .len()
                .checked_sub(literal.len())
                .and_then(|start| text.get(start..)),
        };
        part.is_some_and(|part| part.eq_ignore_ascii_case(literal))
    }

    /// Whether some text matches both patterns.
    pub fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, other) | (other, Self::Any) => *other != Self::Exact("".into()),
            (Self::Exact(text), other) | (other, Self::Exact(text)) => {
                other.matches(text.as_bytes())
            }
            (Self::Prefix(a), Self::Prefix(b)) => a.starts_with(&**b) || b.starts_with(&**a),
            (Self::Suffix(a), Self::Suffix(b)) => a.ends_with(&**b) || b.ends_with(&**a),
            (Self::Prefix(_), Self::Suffix(_)) | (Self::Suffix(_), Self::Prefix(_)) => true,
        }
    }

    /// The pattern without its `*`.
    #[inline]
    pub fn literal(&self) -> &str {
        match self {
            Self::Any => "",
            Self::Exact(text) | Self::Prefix(text) | Self::Suffix(text) => text,
        }
    }

    /// The same kind of pattern with another text.
    #[must_use]
    pub fn with_literal(&self, literal: impl Into<Box<str>>) -> Self {
        match self {
            Self::Any => Self::Any,
            Self::Exact(_) => Self::Exact(literal.into()),
            Self::Prefix(_) => Self::Prefix(literal.into()),
            Self::Suffix(_) => Self::Suffix(literal.into()),
        }
    }
}

impl fmt::Display for TextMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Exact(text) => f.write_str(text),
            Self::Prefix(text) => write!(f, "{text}*"),
            Self::Suffix(text) => write!(f, "*{text}"),
        }
    }
}

#[cfg(test)]
mod tests;
