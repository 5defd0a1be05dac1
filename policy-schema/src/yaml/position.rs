//! Converts byte offsets to lines and columns.

use super::Span;

/// A place in a text, as editors count: from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

/// The number of bytes between two stored character counts.
const STRIDE: usize = 256;

/// The maximum number of bytes before and after a place in its excerpt: a line may be as long as a
/// file, and have many problems.
const MAX_EXCERPT: usize = 2_000;

/// The maximum number of lines in an excerpt.
const MAX_LINES: usize = 10;

/// The starts of the lines of a text.
#[derive(Debug)]
pub struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
    /// The number of characters that begin before each multiple of [`STRIDE`] bytes.
    characters: Vec<usize>,
}

/// The lines around a place in a text.
#[derive(Clone, Copy, Debug)]
pub struct Excerpt<'t> {
    /// The lines.
    pub text: &'t str,
    /// The offset of the text.
    pub start: usize,
    /// The number of the first line, from 1.
    pub line: usize,
}

impl<'t> Lines<'t> {
    /// Indexes the lines of `text` in one pass.
    pub fn new(text: &'t str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(ends.map(|(end, _)| end + 1));
        let counts = text.as_bytes().chunks(STRIDE).scan(0, |count, chunk| {
            let before = *count;
            *count += beginnings(chunk);
            Some(before)
        });
        Self {
            text,
            starts: starts.collect(),
            characters: counts.collect(),
        }
    }

    /// The line and column of a byte offset.
    pub fn position(&self, offset: usize) -> Position {
        let (line, start) = self.line_of(offset);
        let before = |offset| self.characters_before(offset);
        Position {
            line,
            column: before(offset).saturating_sub(before(start)) + 1,
        }
    }

    /// The number of characters that begin before a byte. Does not scan the line: a file may be one
    /// line, and have a problem in each byte.
    fn characters_before(&self, offset: usize) -> usize {
        let bytes = self.text.as_bytes();
        let chunk = offset.min(bytes.len()) / STRIDE;
        let counted = self.characters.get(chunk).copied();
        let rest = bytes.get(chunk * STRIDE..offset.min(bytes.len()));
        counted.unwrap_or_default() + rest.map_or(0, beginnings)
    }

    /// The lines of `span`, at most [`MAX_LINES`].
    pub fn excerpt(&self, span: Span) -> Excerpt<'t> {
        let (line, line_start) = self.line_of(span.start);
        let first = span.start.saturating_sub(MAX_EXCERPT);
        let start = line_start.max(self.text.floor_char_boundary(first));
        let (last, _) = self.line_of(span.end);
        let last = last.min(line + MAX_LINES - 1);
        let end = self.starts.get(last).copied().unwrap_or(self.text.len());
        let most = self
            .text
            .floor_char_boundary(span.start.saturating_add(MAX_EXCERPT));
        let end = end.min(most);
        Excerpt {
            text: self.text.get(start..end).unwrap_or_default(),
            start,
            line,
        }
    }

    /// The number of the line that contains the offset, from 1, and the start of the line.
    fn line_of(&self, offset: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|&start| start <= offset);
        let start = line.checked_sub(1).and_then(|line| self.starts.get(line));
        (line, start.copied().unwrap_or_default())
    }
}

/// The number of characters that begin in these bytes of UTF-8.
fn beginnings(bytes: &[u8]) -> usize {
    let is_beginning = |byte: &&u8| **byte & 0xc0 != 0x80;
    bytes.iter().filter(is_beginning).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_characters_of_a_line() {
        let lines = Lines::new("a\näö: x\n\n");
        let at = |offset| {
            let Position { line, column } = lines.position(offset);
            (line, column)
        };
        assert_eq!(at(0), (1, 1));
        assert_eq!(at(1), (1, 2));
        assert_eq!(at(2), (2, 1));
        assert_eq!(at(8), (2, 5));
        assert_eq!(at(10), (3, 1));
        assert_eq!(at(11), (4, 1));
    }

    #[test]
    fn counts_columns_of_a_long_line_from_stored_counts() {
        let text = "aö\n".to_owned() + &"aö🦀".repeat(1_000) + "\nb";
        let lines = Lines::new(&text);
        for (offset, _) in text.char_indices() {
            let before = text.get(..offset).unwrap();
            let start = before.rfind('\n').map_or(0, |end| end + 1);
            assert_eq!(
                lines.position(offset).column,
                before.get(start..).unwrap().chars().count() + 1
            );
        }
    }

    #[test]
    fn limits_excerpts() {
        let text = "é".repeat(4_000);
        let excerpt = Lines::new(&text).excerpt(Span {
            start: 2,
            end: 8_000,
        });
        assert_eq!(excerpt.text.len(), 2_002);
        let text = "a\n".repeat(40);
        let excerpt = Lines::new(&text).excerpt(Span { start: 4, end: 80 });
        assert_eq!(excerpt.text, "a\n".repeat(10));
    }

    #[test]
    fn limits_excerpts_of_a_long_line_at_any_place() {
        let text = format!("first\n{}", "é".repeat(400_000));
        let lines = Lines::new(&text);
        for start in [6_006, 400_006, 790_006] {
            let end = start + 2;
            let excerpt = lines.excerpt(Span { start, end });
            assert_eq!((excerpt.start, excerpt.line), (start - MAX_EXCERPT, 2));
            assert_eq!(excerpt.text.len(), 2 * MAX_EXCERPT);
        }
        let near = lines.excerpt(Span { start: 26, end: 28 });
        assert_eq!(near.start, 6);
    }

    #[test]
    fn excerpts_whole_lines() {
        let lines = Lines::new("one\ntwo\nthree\nfour");
        let excerpt = lines.excerpt(Span { start: 5, end: 9 });
        assert_eq!(
            (excerpt.text, excerpt.start, excerpt.line),
            ("two\nthree\n", 4, 2)
        );
        let last = lines.excerpt(Span { start: 18, end: 18 });
        assert_eq!((last.text, last.line), ("four", 4));
    }
}
