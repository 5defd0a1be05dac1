//! Patterns over the request path: text patterns and Istio's path templates.

mod cover;

use std::fmt;

use thiserror::Error;

use super::path_parts::{PathParts, is_literal_byte};
use super::reading::Reading;
use super::text::{InvalidWildcard, TextMatch};
use crate::substring::find;

pub use cover::PathCover;

/// A pattern over the path of a request, without query and fragment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PathMatch {
    /// Exact, prefix, suffix or any.
    Text(TextMatch),
    /// A template with `{*}` or `{**}`.
    Template(PathTemplate),
}

/// Why a text is not a path pattern.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum InvalidPath {
    /// A `*` in the middle of a text pattern.
    #[error(transparent)]
    Wildcard(#[from] InvalidWildcard),
    /// A template that Istio rejects.
    #[error(transparent)]
    Template(#[from] InvalidTemplate),
}

impl PathMatch {
    /// Parses a path pattern: a template if it contains `{*}` or `{**}`, as in Istio, otherwise a
    /// text pattern.
    pub fn parse(pattern: &str) -> Result<Self, InvalidPath> {
        if has_operator(pattern) {
            Ok(Self::Template(PathTemplate::parse(pattern)?))
        } else if pattern.contains(['{', '}']) {
            Err(InvalidTemplate::Brace.into())
        } else {
            Ok(Self::Text(TextMatch::parse(pattern)?))
        }
    }

    /// Whether `path` matches in this reading.
    pub fn matches(&self, path: &[u8], reading: Reading) -> bool {
        match self {
            Self::Text(text) => text.matches(path),
            Self::Template(template) => template.matches(&PathParts::new(path), reading),
        }
    }
}

impl PathMatch {
    /// Whether some path may match both patterns in the narrow reading. For templates the answer
    /// can be a false positive.
    pub fn may_overlap(&self, other: &TextMatch) -> bool {
        match (self, other) {
            (Self::Text(pattern), other) => pattern.overlaps(other),
            (Self::Template(template), TextMatch::Exact(path)) => {
                template.matches(&PathParts::new(path.as_bytes()), Reading::Narrow)
            }
            (Self::Template(template), other) => {
                other.overlaps(&TextMatch::Prefix(template.literal_prefix().into()))
            }
        }
    }
}

impl fmt::Display for PathMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => text.fmt(f),
            Self::Template(template) => template.fmt(f),
        }
    }
}

/// A path template (`AuthorizationPolicy`, "Operation.paths"; Envoy's URI template matcher):
/// `{*}` stands for one segment, `{**}` for any number of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PathTemplate {
    /// The segments before `{**}`, or all of them without `{**}`.
    head: Vec<Segment>,
    /// The text that must follow `{**}`: `Some("")` if it ends the template, `None` without `{**}`.
    tail: Option<Box<str>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Segment {
    Literal(Box<str>),
    One,
}

/// Why a text is not a path template.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum InvalidTemplate {
    /// It does not start with a slash.
    #[error("it does not begin with `/`")]
    Relative,
    /// `{*}` or `{**}` shares a segment with other text.
    #[error("`{{*}}` and `{{**}}` must each be a whole segment")]
    PartialSegment,
    /// An operator follows `{**}`.
    #[error("`{{**}}` must be the last operator")]
    OperatorAfterRest,
    /// A `{` or `}` is not part of an operator.
    #[error("`{{` and `}}` are only allowed in `{{*}}` and `{{**}}`")]
    Brace,
    /// A segment other than the last is empty.
    #[error("it contains `//`")]
    EmptySegment,
    /// A literal segment has a character that Envoy does not accept in templates.
    #[error("a segment has a character that templates cannot contain")]
    Character,
}

impl PathTemplate {
    fn parse(template: &str) -> Result<Self, InvalidTemplate> {
        let segments = template
            .strip_prefix('/')
            .ok_or(InvalidTemplate::Relative)?
            .split('/');
        if find(template, "//").is_some() {
            return Err(InvalidTemplate::EmptySegment);
        }
        let mut head = Vec::new();
        let mut tail: Option<String> = None;
        for segment in segments {
            match (segment, &mut tail) {
                ("{*}" | "{**}", Some(_)) => return Err(InvalidTemplate::OperatorAfterRest),
                ("{*}", None) => head.push(Segment::One),
                ("{**}", None) => tail = Some(String::new()),
                (literal, _) if has_operator(literal) => {
                    return Err(InvalidTemplate::PartialSegment);
                }
                (literal, _) if !literal.bytes().all(is_literal_byte) => {
                    return Err(InvalidTemplate::Character);
                }
                (literal, Some(tail)) => {
                    tail.push('/');
                    tail.push_str(literal);
                }
                (literal, None) => head.push(Segment::Literal(literal.into())),
            }
        }
        Ok(Self {
            head,
            tail: tail.map(String::into_boxed_str),
        })
    }

    /// Whether the path matches. In the narrow reading, an operator matches only the characters
    /// that Envoy accepts for it; in the wide reading, any character.
    pub fn matches(&self, parts: &PathParts<'_>, reading: Reading) -> bool {
        let has_length = match self.tail {
            None => parts.count() == self.head.len(),
            Some(_) => parts.count() > self.head.len(),
        };
        if !has_length {
            return false;
        }
        let mut rest = 1;
        for (segment, (part, next)) in self.head.iter().zip(parts.segments()) {
            let is_match = match segment {
                Segment::Literal(literal) => part.text == literal.as_bytes(),
                Segment::One => part.is_one_segment(reading),
            };
            if !is_match {
                return false;
            }
            rest = next;
        }
        self.tail.as_ref().is_none_or(|tail| {
            parts
                .rest(rest, reading)
                .is_some_and(|rest| rest.ends_with(tail.as_bytes()))
        })
    }

    /// The equivalent prefix pattern in the wide reading, if the template only determines how a
    /// path starts.
    pub fn as_wide_prefix(&self) -> Option<TextMatch> {
        let is_prefix = self.tail.as_deref() == Some("") && !self.head.contains(&Segment::One);
        is_prefix.then(|| TextMatch::Prefix(self.literal_prefix().into()))
    }

    /// The longest literal prefix of all matching paths.
    pub(crate) fn literal_prefix(&self) -> String {
        let mut prefix = String::new();
        for segment in &self.head {
            prefix.push('/');
            match segment {
                Segment::Literal(literal) => prefix.push_str(literal),
                Segment::One => return prefix,
            }
        }
        if self.tail.is_some() {
            prefix.push('/');
        }
        prefix
    }
}

impl PathTemplate {
    /// The longest literal suffix of all matching paths.
    pub(crate) fn literal_suffix(&self) -> String {
        if let Some(tail) = &self.tail {
            return (**tail).to_owned();
        }
        let mut suffix = String::new();
        for segment in &self.head {
            match segment {
                Segment::Literal(literal) => {
                    suffix.push('/');
                    suffix.push_str(literal);
                }
                Segment::One => suffix.clear(),
            }
        }
        suffix
    }
}

impl fmt::Display for PathTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for segment in &self.head {
            match segment {
                Segment::Literal(literal) => write!(f, "/{literal}")?,
                Segment::One => f.write_str("/{*}")?,
            }
        }
        match &self.tail {
            Some(tail) => write!(f, "/{{**}}{tail}"),
            None => Ok(()),
        }
    }
}

/// Whether the text contains `{*}` or `{**}`.
fn has_operator(text: &str) -> bool {
    let has = |operator: &[u8]| {
        text.as_bytes()
            .windows(operator.len())
            .any(|window| window == operator)
    };
    has(b"{*}") || has(b"{**}")
}

#[cfg(test)]
mod tests;
