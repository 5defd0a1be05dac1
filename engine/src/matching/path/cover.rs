//! Finds a path pattern that covers another one.

use std::collections::HashMap;

use super::{PathMatch, PathTemplate, Segment};
use crate::matching::Reading;
use crate::matching::text::{TextCover, TextMatch};

/// Path patterns indexed by their literals, and templates by their shapes. The cost of a search
/// depends on the number of shapes and of literal lengths, not of patterns.
#[derive(Debug)]
pub struct PathCover<'p> {
    reading: Reading,
    texts: TextCover<'p>,
    /// The text patterns that cover templates.
    beginnings: TextCover<'p>,
    templates: HashMap<&'p PathTemplate, usize>,
    shapes: HashMap<Shape, HashMap<Vec<&'p [u8]>, usize>>,
    patterns: Vec<&'p PathMatch>,
}

/// The structure of a template without the text of its literal segments.
#[derive(Debug, Hash, PartialEq, Eq)]
struct Shape {
    /// Which of the segments before `{**}` are literals.
    are_literals: Vec<bool>,
    /// The number of literal segments after `{**}`; `None` without `{**}`.
    tail: Option<usize>,
}

impl<'p> PathCover<'p> {
    /// Indexes patterns for this reading. The patterns they are compared with have the opposite
    /// reading.
    pub fn new(patterns: impl IntoIterator<Item = &'p PathMatch>, reading: Reading) -> Self {
        let mut cover = Self {
            reading,
            texts: TextCover::default(),
            beginnings: TextCover::default(),
            templates: HashMap::new(),
            shapes: HashMap::new(),
            patterns: patterns.into_iter().collect(),
        };
        for (position, pattern) in cover.patterns.iter().enumerate() {
            match pattern {
                PathMatch::Text(text) => {
                    cover.texts.add(position, text);
                    if text.is_any() || matches!(text, TextMatch::Prefix(_)) {
                        cover.beginnings.add(position, text);
                    }
                }
                PathMatch::Template(template) => {
                    cover.templates.entry(template).or_insert(position);
                    let literals = template.literals().map(str::as_bytes).collect();
                    let of_shape = cover.shapes.entry(template.shape()).or_default();
                    of_shape.entry(literals).or_insert(position);
                }
            }
        }
        cover
    }

    /// The position of the first pattern that is known to match every path that `other` matches.
    pub fn first(&self, other: &PathMatch) -> Option<usize> {
        let (by_text, by_template) = match other {
            PathMatch::Text(text) => {
                let path = match text {
                    TextMatch::Exact(path) => Some(path.as_bytes()),
                    TextMatch::Any | TextMatch::Prefix(_) | TextMatch::Suffix(_) => None,
                };
                let template = path.and_then(|path| self.first_template(path));
                (self.texts.first(text), template)
            }
            PathMatch::Template(template) => {
                let start = TextMatch::Prefix(template.literal_prefix().into());
                // A template covers itself if it is indexed in the wide reading, because `other`
                // then has the narrow one.
                let same = (self.reading == Reading::Wide)
                    .then(|| self.templates.get(template).copied())
                    .flatten();
                (self.beginnings.first(&start), same)
            }
        };
        by_text.into_iter().chain(by_template).min()
    }

    /// The first template that matches `path`. Templates with the same shape and literals count as
    /// one.
    fn first_template(&self, path: &[u8]) -> Option<usize> {
        let segments: Vec<_> = path
            .strip_prefix(b"/")?
            .split(|&byte| byte == b'/')
            .collect();
        let candidates = self.shapes.iter().filter_map(|(shape, by_literals)| {
            let position = by_literals.get(&shape.literals_of(&segments)?)?;
            Some((*position, self.patterns.get(*position)?))
        });
        candidates
            .filter(|(_, pattern)| pattern.matches(path, self.reading))
            .map(|(position, _)| position)
            .min()
    }
}

impl Shape {
    /// The segments of a path at the positions of the literals.
    fn literals_of<'s>(&self, segments: &[&'s [u8]]) -> Option<Vec<&'s [u8]>> {
        let (head, rest) = segments.split_at_checked(self.are_literals.len())?;
        let tail = match self.tail {
            Some(count) => rest.get(rest.len().checked_sub(count)?..)?,
            None if rest.is_empty() => rest,
            None => return None,
        };
        let head = self.are_literals.iter().zip(head);
        let literals = head.filter_map(|(is_literal, segment)| is_literal.then_some(*segment));
        Some(literals.chain(tail.iter().copied()).collect())
    }
}

impl PathTemplate {
    fn shape(&self) -> Shape {
        let is_literal = |segment: &Segment| matches!(segment, Segment::Literal(_));
        Shape {
            are_literals: self.head.iter().map(is_literal).collect(),
            tail: self.tail.as_ref().map(|_| self.tail_segments().count()),
        }
    }

    /// The texts of its literal segments.
    pub fn literals(&self) -> impl Iterator<Item = &str> {
        let head = self.head.iter().filter_map(|segment| match segment {
            Segment::Literal(literal) => Some(&**literal),
            Segment::One => None,
        });
        head.chain(self.tail_segments())
    }

    /// The literal segments after `{**}`.
    fn tail_segments(&self) -> impl Iterator<Item = &str> {
        self.tail.iter().flat_map(|tail| tail.split('/').skip(1))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::matching::PathParts;

    /// The reference implementation for one pattern.
    fn covers(pattern: &PathMatch, other: &PathMatch, reading: Reading) -> bool {
        match (pattern, other) {
            (PathMatch::Text(pattern), PathMatch::Text(other)) => {
                TextCover::new([(0, pattern)]).first(other).is_some()
            }
            (PathMatch::Text(TextMatch::Prefix(prefix)), PathMatch::Template(template)) => {
                template.literal_prefix().starts_with(&**prefix)
            }
            (PathMatch::Text(TextMatch::Any), PathMatch::Template(_)) => true,
            (PathMatch::Template(template), PathMatch::Template(other)) => {
                template == other && reading == Reading::Wide
            }
            (PathMatch::Template(template), PathMatch::Text(TextMatch::Exact(path))) => {
                template.matches(&PathParts::new(path.as_bytes()), reading)
            }
            _ => false,
        }
    }

    fn pattern() -> impl Strategy<Value = PathMatch> {
        let segment = prop_oneof![3 => "[ab\\[]{0,1}", 1 => Just("{*}".to_owned())];
        let segments = prop::collection::vec(segment, 1..4);
        (
            segments,
            "(|\\*|/\\{\\*\\*\\}|/\\{\\*\\*\\}/a|/\\{\\*\\*\\}/a/b)",
        )
            .prop_filter_map("a pattern", |(segments, end)| {
                PathMatch::parse(&format!("/{}{end}", segments.join("/"))).ok()
            })
    }

    proptest! {
        #[test]
        fn finds_the_same_cover_as_a_linear_search(
            patterns in prop::collection::vec(prop_oneof![9 => pattern(), 1 => Just(PathMatch::Text(TextMatch::Any))], 0..8),
            other in pattern(),
            reading in prop_oneof![Just(Reading::Wide), Just(Reading::Narrow)],
        ) {
            let plain = patterns.iter().position(|pattern| covers(pattern, &other, reading));
            prop_assert_eq!(PathCover::new(&patterns, reading).first(&other), plain);
        }
    }

    #[test]
    fn templates_with_different_literals_share_a_shape() {
        let parse = |text: String| PathMatch::parse(&text).unwrap();
        let templates: Vec<_> = (0..1_000)
            .flat_map(|number| {
                [
                    parse(format!("/api/{{*}}/a{number}")),
                    parse(format!("/api/{{**}}/a/b{number}")),
                ]
            })
            .collect();
        let cover = PathCover::new(&templates, Reading::Wide);
        assert_eq!(cover.shapes.len(), 2);
        let path = parse("/api/x/a999".to_owned());
        assert_eq!(cover.first(&path), Some(1_998));
    }
}
