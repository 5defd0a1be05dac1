//! From text to trees.

use std::cell::Cell;
use std::collections::HashMap;
use std::ops::ControlFlow;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError};

use super::node::{Content, Entry, Node};
use super::offsets::Offsets;
use super::wording::quoted;
use super::{Fault, Span};
use crate::code::Code;

/// A policy needs less than half of it, and everything that walks a tree may recurse.
const DEEPEST: usize = 32;

/// Parses every document of a YAML stream. Documents without any content are left out.
///
/// Takes time and memory in proportion to the length of `text`. A byte order mark is accepted, and lines
/// end with a line feed, with or without a carriage return before it.
///
/// # Errors
///
/// Every fault of the text, in its order: [`Code::YamlSyntax`] where it is not well-formed, which
/// ends the search for more, and where a carriage return stands alone, which is the only fault then;
/// [`Code::YamlFeature`] for anchors, aliases, merge keys, tags, keys
/// that are no scalars, and for nesting beyond 32 levels, which ends the search as well; and
/// [`Code::DuplicateKey`].
pub fn parse(text: &str) -> Result<Vec<Node>, Vec<Fault>> {
    if let Some(fault) = lone_carriage_return(text) {
        return Err(vec![fault]);
    }
    let mut builder = Builder {
        text,
        offsets: Offsets::new(text),
        open: Vec::new(),
        documents: Vec::new(),
        faults: Vec::new(),
    };
    for event in Parser::new_from_str(text) {
        let flow = match event {
            Ok((event, span)) => builder.accept(event, span),
            Err(error) => builder.refuse(&error),
        };
        if flow.is_break() {
            break;
        }
    }
    if builder.faults.is_empty() {
        Ok(builder.documents)
    } else {
        builder.faults.sort_by_key(|fault| fault.span);
        Err(builder.faults)
    }
}

/// The first line end that YAML takes for one and most viewers do not: what follows a comment that ends
/// so looks like a part of the comment.
fn lone_carriage_return(text: &str) -> Option<Fault> {
    let returns = text.match_indices('\r');
    let is_alone = |at: &usize| text.as_bytes().get(at + 1) != Some(&b'\n');
    let start = returns.map(|(at, _)| at).find(is_alone)?;
    Some(Fault {
        code: Code::YamlSyntax,
        span: Span {
            start,
            end: start + 1,
        },
        message: "a carriage return without a line feed ends a line".to_owned(),
        help: "end each line with a line feed, or with a carriage return and a line feed"
            .to_owned(),
    })
}

struct Builder<'a> {
    text: &'a str,
    offsets: Offsets<'a>,
    open: Vec<Open>,
    documents: Vec<Node>,
    faults: Vec<Fault>,
}

/// A collection whose end has not come yet.
struct Open {
    start: usize,
    line: usize,
    items: Items,
}

enum Items {
    Sequence(Vec<Node>),
    Mapping {
        entries: Vec<Entry>,
        /// The key whose value comes next.
        key: Option<Node>,
        /// The line of each key so far.
        lines: HashMap<String, usize>,
    },
}

impl Builder<'_> {
    fn accept(&mut self, event: Event<'_>, span: saphyr_parser::Span) -> ControlFlow<()> {
        let line = span.start.line();
        let start = self.offsets.byte(span.start.index());
        let end = self.offsets.byte(span.end.index());
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_properties(start, anchor > 0, tag.is_some());
                let plain = style == ScalarStyle::Plain;
                // Of an empty value, the parser gives the token after it.
                let end = if plain && text.is_empty() { start } else { end };
                let span = self.scalar_span(start, end, style);
                let text = text.into_owned();
                self.add(span, line, Content::Scalar { text, plain });
            }
            Event::Alias(_) => self.add_alias(start, line),
            Event::SequenceStart(anchor, tag) => {
                self.refuse_properties(start, anchor > 0, tag.is_some());
                let start = self.sequence_start(start);
                return self.open(start, line, Items::Sequence(Vec::new()));
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_properties(start, anchor > 0, tag.is_some());
                let items = Items::Mapping {
                    entries: Vec::new(),
                    key: None,
                    lines: HashMap::new(),
                };
                return self.open(start, line, items);
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(start),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => {}
        }
        ControlFlow::Continue(())
    }

    fn refuse(&mut self, error: &ScanError) -> ControlFlow<()> {
        let at = self.offsets.byte(error.marker().index());
        // The parser has taken the alias like any other value and can go on after it.
        if error.info().contains("unknown anchor") {
            self.add_alias(at, error.marker().line());
            return ControlFlow::Continue(());
        }
        if error.info().contains("handle wasn't declared") {
            self.refuse_properties(at, false, true);
            return ControlFlow::Break(());
        }
        let span = self.visible(at);
        let help = syntax_help(error.info(), self.slice(span));
        self.fault(Code::YamlSyntax, span, error.info(), help);
        ControlFlow::Break(())
    }

    fn open(&mut self, start: usize, line: usize, items: Items) -> ControlFlow<()> {
        if self.open.len() == DEEPEST {
            self.fault(
                Code::YamlFeature,
                self.word(start),
                format!("the value is nested more than {DEEPEST} levels deep"),
                "write it with fewer levels",
            );
            return ControlFlow::Break(());
        }
        self.open.push(Open { start, line, items });
        ControlFlow::Continue(())
    }

    fn close(&mut self, at: usize) {
        let Some(Open { start, line, items }) = self.open.pop() else {
            return;
        };
        let (content, last) = match items {
            Items::Sequence(mut elements) => {
                // Most have one or two, and room for four would be most of what a text takes.
                elements.shrink_to_fit();
                let last = elements.last().map(|element| element.span.end);
                (Content::Sequence(elements), last)
            }
            Items::Mapping { mut entries, .. } => {
                entries.shrink_to_fit();
                let last = entries.last().map(|entry| entry.value.span.end);
                (Content::Mapping(entries), last)
            }
        };
        // Only brackets have an end of their own; other collections end with their last value.
        let is_flow =
            self.rest(start).starts_with(['[', '{']) && self.rest(at).starts_with([']', '}']);
        let end = if is_flow {
            at + 1
        } else {
            last.unwrap_or(start)
        };
        self.add(Span { start, end }, line, content);
    }

    /// Puts a complete value where it belongs: it is a document, an element, a key, or what the
    /// key before it stands for.
    fn add(&mut self, span: Span, line: usize, content: Content) {
        let span = self.introduced(span);
        let first_line = self.slice(span).split(['\n', '\r']).next();
        let node = Node {
            span,
            head_end: span.start + first_line.unwrap_or_default().trim_end().len(),
            content,
            dropped: Cell::new(false),
            is_counted: Cell::default(),
            accepted_before: Cell::default(),
        };
        match self.open.last_mut().map(|open| &mut open.items) {
            None => {
                let is_empty = matches!(
                    &node.content,
                    Content::Scalar { text, plain: true } if text.is_empty()
                );
                if !is_empty {
                    self.documents.push(node);
                }
            }
            Some(Items::Sequence(elements)) => elements.push(node),
            Some(Items::Mapping { entries, key, .. }) => match key.take() {
                Some(key) => entries.push(Entry { key, value: node }),
                None => self.add_key(node, line),
            },
        }
    }

    fn add_key(&mut self, node: Node, line: usize) {
        let Some(Open {
            items: Items::Mapping { key, lines, .. },
            ..
        }) = self.open.last_mut()
        else {
            return;
        };
        let span = node.head();
        let fault = match &node.content {
            Content::Scalar { text, plain: true } if text == "<<" => Some((
                Code::YamlFeature,
                "merge keys are not accepted".to_owned(),
                "write the fields out where they are used",
            )),
            Content::Scalar { text, .. } => {
                lines.insert(text.clone(), line).map(|first| {
                    // Every repetition is told where the first one is.
                    lines.insert(text.clone(), first);
                    (
                        Code::DuplicateKey,
                        format!("{} is already set on line {first}", quoted(text)),
                        "keep one of the two",
                    )
                })
            }
            Content::Sequence(_) | Content::Mapping(_) => Some((
                Code::YamlFeature,
                "a list or mapping is used as a key".to_owned(),
                "use text as the key; text that contains brackets needs quotes",
            )),
        };
        *key = Some(node);
        if let Some((code, message, help)) = fault {
            self.fault(code, span, message, help);
        }
    }

    /// Reports an alias, and keeps its place so that what follows is not taken for its value.
    fn add_alias(&mut self, start: usize, line: usize) {
        let span = self.word(start);
        let alias = self.slice(span).to_owned();
        self.fault(
            Code::YamlFeature,
            span,
            format!("{} is a YAML alias", quoted(&alias)),
            "write the value out; text that starts with `*` needs quotes",
        );
        let content = Content::Scalar {
            text: alias,
            plain: false,
        };
        self.add(span, line, content);
    }

    /// Reports the anchor and the tag before a value, which may come in either order.
    fn refuse_properties(&mut self, start: usize, anchor: bool, tag: bool) {
        let mut at = start;
        for _ in 0..usize::from(anchor) + usize::from(tag) {
            let span = self.word(at);
            let property = quoted(self.slice(span));
            let (message, help) = if self.rest(at).starts_with('&') {
                (
                    format!("{property} is a YAML anchor"),
                    "write the value out where it is used; text that starts with `&` needs quotes",
                )
            } else {
                (
                    format!("{property} is a YAML tag"),
                    "remove the tag; text that starts with `!` needs quotes",
                )
            };
            self.fault(Code::YamlFeature, span, message, help);
            let rest = self.rest(span.end);
            at = span.end + (rest.len() - rest.trim_start().len());
        }
    }

    fn fault(
        &mut self,
        code: Code,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.faults.push(Fault {
            code,
            span,
            message: message.into(),
            help: help.into(),
        });
    }

    /// The span of exactly the scalar: the parser's includes what follows a closing quote, and
    /// the lines after a block.
    fn scalar_span(&self, start: usize, end: usize, style: ScalarStyle) -> Span {
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

    /// `span`, or if there is nothing in it, the span of the key or dash that stands before.
    fn introduced(&self, span: Span) -> Span {
        if span.start < span.end {
            return span;
        }
        match self.open.last().map(|open| &open.items) {
            Some(Items::Mapping { key: Some(key), .. }) => key.span,
            Some(Items::Sequence(_)) => self.dash_before(span.start).map_or(span, |dash| Span {
                start: dash,
                end: dash + 1,
            }),
            _ => span,
        }
    }

    /// Where a list begins that the parser says begins at `at`: for one that is not indented
    /// deeper than its key, that is after the first dash.
    fn sequence_start(&self, at: usize) -> usize {
        match self.open.last().map(|open| &open.items) {
            Some(Items::Mapping { .. }) => self.dash_before(at).unwrap_or(at),
            _ => at,
        }
    }

    /// The offset of the dash that nothing but a comment separates from `at`, on its line.
    fn dash_before(&self, at: usize) -> Option<usize> {
        let mut before = self.text.get(..at)?;
        // Only at the end of a line can there be a comment, so only there is the line searched:
        // for every list of a long line it would take quadratic time.
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

    /// The word at `at`, or the last character before it if `at` is the end of a line.
    fn visible(&self, at: usize) -> Span {
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

    /// From `at` to the next white space or flow indicator, though at least one character if it
    /// is not white space.
    fn word(&self, at: usize) -> Span {
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

    fn rest(&self, at: usize) -> &str {
        self.text.get(at..).unwrap_or_default()
    }

    fn slice(&self, span: Span) -> &str {
        self.text.get(span.start..span.end).unwrap_or_default()
    }
}

/// The length of the quoted scalar that `text` starts with, including both quotes.
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

/// What to do about a syntax error, given what the parser says and the word that it stopped at.
fn syntax_help(info: &str, word: &str) -> String {
    if let Some(indicator) = word
        .chars()
        .next()
        .filter(|char| "*&!@`%|>".contains(*char))
    {
        format!("text that starts with `{indicator}` needs quotes")
    } else if info.contains("unprintable") {
        "remove the character, or write it as an escape in double quotes".to_owned()
    } else if info.contains("tab") {
        "indent with spaces".to_owned()
    } else if info.contains("quoted scalar") {
        "close the quotes, and write a backslash in double quotes as `\\\\`".to_owned()
    } else if info.contains("mapping values") {
        "text that contains a colon and a space needs quotes".to_owned()
    } else if ["flow", "bracket", "illegal placement"]
        .iter()
        .any(|word| info.contains(word))
    {
        "check the brackets and commas of this list or mapping".to_owned()
    } else {
        "check the indentation and the colons of this line and the one before".to_owned()
    }
}
