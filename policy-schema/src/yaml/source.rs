//! The source text, by bytes.

use granit_parser::ScalarStyle;

use super::Span;

/// A text, for lookups by offset.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    text: &'a str,
}

impl<'a> Source<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text }
    }

    pub(super) fn rest(self, at: usize) -> &'a str {
        self.text.get(at..).unwrap_or_default()
    }

    pub(super) fn slice(self, span: Span) -> &'a str {
        self.text.get(span.start..span.end).unwrap_or_default()
    }

    /// The span of exactly the scalar. The parser's span, from `start` to `end`, includes the text
    /// after a closing quote and the lines after a block.
    pub(super) fn scalar_span(self, start: usize, end: usize, style: ScalarStyle) -> Span {
        let text = self.slice(Span { start, end });
        let length = match style {
            ScalarStyle::Plain => text.len(),
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => quoted_length(text),
            ScalarStyle::Literal | ScalarStyle::Folded => text.trim_end().len(),
        };
        Span {
            start,
            end: start + length,
        }
    }

    /// The indentation of the line of `at`, in spaces and tabs.
    fn indentation(self, at: usize) -> usize {
        let before = self.text.get(..at).unwrap_or_default();
        let line = self.rest(before.rfind('\n').map_or(0, |end| end + 1));
        line.len() - line.trim_start_matches([' ', '\t']).len()
    }

    /// Where the text of `span` continues on a line that is not indented deeper than its first
    /// line.
    pub(super) fn dedented(self, span: Span) -> Option<Span> {
        let text = self.slice(span);
        // Most have one line, and finding its start takes time.
        if !text.contains('\n') {
            return None;
        }
        let indentation = self.indentation(span.start);
        let mut at = span.start;
        for line in text.split_inclusive('\n') {
            let is_blank = line.trim().is_empty();
            if at > span.start && !is_blank && self.indentation(at) <= indentation {
                return Some(self.visible(at + line.len() - line.trim_start().len()));
            }
            at += line.len();
        }
        None
    }

    /// The word at `at`, or the last character before it if `at` is the end of a line.
    pub(super) fn visible(self, at: usize) -> Span {
        let word = self.word(at);
        if word.start < word.end {
            return word;
        }
        let before = self.text.get(..at).unwrap_or_default().trim_end();
        let last = before.chars().next_back().map_or(0, char::len_utf8);
        Span {
            start: before.len() - last,
            end: before.len(),
        }
    }

    /// From `at` to the next white space or flow indicator. At least one character, unless it is
    /// white space.
    pub(super) fn word(self, at: usize) -> Span {
        let rest = self.rest(at);
        let is_end = |char: char| char.is_whitespace() || "[]{},".contains(char);
        let first = rest.chars().next().filter(|char| !char.is_whitespace());
        let length = first.map_or(0, |first| {
            let tail = rest.get(first.len_utf8()..).unwrap_or_default();
            let tail_length = if is_end(first) {
                0
            } else {
                tail.find(is_end).unwrap_or(tail.len())
            };
            first.len_utf8() + tail_length
        });
        Span {
            start: at,
            end: at + length,
        }
    }

    /// The offset of a dash before `at` on its line, if only a comment is between them.
    pub(super) fn dash_before(self, at: usize) -> Option<usize> {
        let mut before = self.text.get(..at)?;
        // Only the end of a line can follow a comment, so only then the line is searched. Otherwise
        // a long line with many lists would take quadratic time.
        let rest = self.rest(at);
        if rest.is_empty() || rest.starts_with(['\n', '\r']) {
            let line_start = before.rfind(['\n', '\r']).map_or(0, |end| end + 1);
            let line = before.get(line_start..)?;
            let comment = line.find('#').unwrap_or(line.len());
            before = before.get(..line_start + comment)?;
        }
        let indicators = before.trim_end_matches([' ', '\t']).strip_suffix('-')?;
        Some(indicators.len())
    }
}

/// The length of the quoted scalar at the start of `text`, including both quotes.
fn quoted_length(text: &str) -> usize {
    let mut chars = text.char_indices().peekable();
    let Some((_, quote)) = chars.next() else {
        return 0;
    };
    while let Some((at, char)) = chars.next() {
        if char == '\\' && quote == '"' {
            chars.next();
        } else if char == quote {
            let is_doubled = quote == '\'' && chars.peek().is_some_and(|(_, next)| *next == quote);
            if !is_doubled {
                return at + quote.len_utf8();
            }
            chars.next();
        }
    }
    text.len()
}
