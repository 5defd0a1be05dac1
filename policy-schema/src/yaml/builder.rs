//! Builds trees from the events of the parser.

use std::cell::Cell;
use std::collections::HashMap;
use std::ops::ControlFlow;

use granit_parser::{ErrorKind, Event, Marker, Parser, ScalarStyle, ScanError, StrInput, Tag};

use super::anchors::{Allowance, Anchors, Unresolved, is_merge_key, merged};
use super::dialect::Dialect;
use super::form::Form;
use super::node::{Content, Entry, Node};
use super::scalar::Scalar;
use super::source::Source;
use super::{Comment, Fault, Span, refusal};

pub(super) struct Builder<'a> {
    source: Source<'a>,
    dialect: Dialect,
    /// The text before the parsed part, in bytes and in lines.
    offset: usize,
    lines_before: usize,
    open: Vec<Open>,
    documents: Vec<Node>,
    comments: Vec<Comment>,
    faults: Vec<Fault>,
    anchors: Anchors<'a>,
}

/// The content of a text.
pub(super) struct Tree {
    pub(super) documents: Vec<Node>,
    pub(super) comments: Vec<Comment>,
}

/// A collection that has not ended yet.
struct Open {
    start: usize,
    line: usize,
    anchor: usize,
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

impl<'a> Builder<'a> {
    pub(super) fn new(text: &'a str, dialect: Dialect, allowance: &'a Allowance) -> Self {
        Self {
            source: Source::new(text),
            dialect,
            offset: 0,
            lines_before: 0,
            open: Vec::new(),
            documents: Vec::new(),
            comments: Vec::new(),
            faults: Vec::new(),
            anchors: Anchors::new(allowance),
        }
    }

    /// For a part of the text that begins after `offset` bytes and `lines` lines.
    pub(super) fn behind(self, offset: usize, lines: usize) -> Self {
        Self {
            offset,
            lines_before: lines,
            ..self
        }
    }

    /// The documents with all comments, or all faults, in the order of the text.
    pub(super) fn build(mut self, events: Parser<'a, StrInput<'a>>) -> Result<Tree, Vec<Fault>> {
        for event in events {
            let flow = match event {
                Ok((event, span)) => self.accept(event, span),
                Err(error) => self.refuse(&error),
            };
            if flow.is_break() {
                break;
            }
        }
        if self.faults.is_empty() {
            self.comments.sort_by_key(|comment| comment.at);
            Ok(Tree {
                documents: self.documents,
                comments: self.comments,
            })
        } else {
            self.faults.sort_by_key(|fault| fault.span);
            Err(self.faults)
        }
    }

    fn byte(&self, marker: &Marker) -> usize {
        self.offset + marker.byte_offset().unwrap_or_default()
    }

    fn accept(&mut self, event: Event<'_>, at: granit_parser::Span) -> ControlFlow<()> {
        let line = self.lines_before + at.start.line();
        let start = self.byte(&at.start);
        let end = self.byte(&at.end);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                // For an empty value, the parser returns a replacement.
                let text = if plain && start == end {
                    "".into()
                } else {
                    text
                };
                let span = self.source.scalar_span(start, end, style);
                self.check_indentation(span, style);
                let form = self.form(&text, plain, tag.as_deref(), &at);
                let text = text.into_owned();
                self.add(span, line, Content::Scalar { text, form }, anchor);
            }
            Event::Alias(id) => self.add_alias(Some(id), Span { start, end }, line),
            Event::UnresolvedAlias(_) => self.add_alias(None, Span { start, end }, line),
            Event::Anchor(..) => {
                let span = Span { start, end };
                let anchor = self.source.slice(span);
                self.faults.push(refusal::anchor(anchor, span));
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), "seq", &at);
                let start = self.sequence_start(start);
                return self.open(start, line, anchor, Items::Sequence(Vec::new()));
            }
            Event::MappingStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), "map", &at);
                let items = Items::Mapping {
                    entries: Vec::new(),
                    key: None,
                    lines: HashMap::new(),
                };
                return self.open(start, line, anchor, items);
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(start),
            Event::Comment(text, _) => self.comments.push(Comment {
                at: start,
                text: text.trim().to_owned(),
            }),
            // Starts and ends of streams and documents. Other events are not requested.
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn refuse(&mut self, error: &ScanError) -> ControlFlow<()> {
        let at = self.byte(error.marker());
        if matches!(error.kind(), ErrorKind::UndeclaredTagHandle) {
            self.refuse_tag(self.source.word(at));
            return ControlFlow::Break(());
        }
        let span = self.source.visible(at);
        let word = self.source.slice(span);
        self.faults.push(refusal::syntax(error.kind(), word, span));
        ControlFlow::Break(())
    }

    fn open(&mut self, start: usize, line: usize, anchor: usize, items: Items) -> ControlFlow<()> {
        let max_depth = self.dialect.max_depth();
        if self.open.len() == max_depth {
            let span = self.source.word(start);
            self.faults.push(refusal::nested_too_deep(max_depth, span));
            return ControlFlow::Break(());
        }
        self.open.push(Open {
            start,
            line,
            anchor,
            items,
        });
        ControlFlow::Continue(())
    }

    fn close(&mut self, at: usize) {
        let Some(Open {
            start,
            line,
            anchor,
            items,
        }) = self.open.pop()
        else {
            return;
        };
        let (content, last) = match items {
            Items::Sequence(mut elements) => {
                // Most have one or two entries, and a capacity of four would dominate the memory
                // use.
                elements.shrink_to_fit();
                let last = elements.last().map(|element| element.span.end);
                (Content::Sequence(elements), last)
            }
            Items::Mapping { entries, .. } => {
                let last = entries.last().map(|entry| entry.value.span.end);
                let mut entries = self.merged(entries);
                entries.shrink_to_fit();
                (Content::Mapping(entries), last)
            }
        };
        // Only flow collections have an end of their own. Other collections end with their last
        // value.
        let is_flow = self.source.rest(start).starts_with(['[', '{'])
            && self.source.rest(at).starts_with([']', '}']);
        let end = if is_flow {
            at + 1
        } else {
            last.unwrap_or(start)
        };
        self.add(Span { start, end }, line, content, anchor);
    }

    fn merged(&mut self, entries: Vec<Entry>) -> Vec<Entry> {
        if self.dialect == Dialect::Strict {
            return entries;
        }
        merged(entries).unwrap_or_else(|fault| {
            self.faults.push(fault);
            Vec::new()
        })
    }

    /// Adds a complete value: a document, an element, a key, or the value of the last key.
    fn add(&mut self, span: Span, line: usize, content: Content, anchor: usize) {
        let span = self.introduced(span);
        let first_line = self.source.slice(span).split(['\n', '\r']).next();
        let node = Node {
            span,
            head_end: span.start + first_line.unwrap_or_default().trim_end().len(),
            content,
            dropped: Cell::new(false),
            is_counted: Cell::default(),
            accepted_before: Cell::default(),
        };
        if anchor > 0 && self.dialect == Dialect::Kubernetes {
            self.anchors.define(anchor, &node);
        }
        match self.open.last_mut().map(|open| &mut open.items) {
            None => {
                let is_empty = matches!(
                    &node.content,
                    Content::Scalar { text, form } if *form != Form::Text && text.is_empty()
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

    fn add_key(&mut self, mut node: Node, line: usize) {
        let is_merge_key = is_merge_key(&node);
        if self.dialect == Dialect::Kubernetes && !is_merge_key {
            as_text(&mut node);
        }
        let span = node.head();
        let Some(Open {
            items: Items::Mapping { key, lines, .. },
            ..
        }) = self.open.last_mut()
        else {
            return;
        };
        let fault = match &node.content {
            Content::Scalar { .. } if is_merge_key && self.dialect == Dialect::Strict => {
                Some(refusal::merge_key(span))
            }
            Content::Scalar { text, .. } => {
                lines.insert(text.clone(), line).map(|first| {
                    // Every repetition points at the first key.
                    lines.insert(text.clone(), first);
                    refusal::repeated_key(text, first, span)
                })
            }
            Content::Sequence(_) | Content::Mapping(_) => Some(refusal::collection_as_key(span)),
        };
        *key = Some(node);
        self.faults.extend(fault);
    }

    /// Adds the value of an alias, or reports it and adds a placeholder, so that the next value is
    /// not taken for its value.
    fn add_alias(&mut self, id: Option<usize>, span: Span, line: usize) {
        let alias = self.source.slice(span);
        let unresolved = |why| refusal::unresolved_alias(why, alias, span);
        let resolved = match (self.dialect, id) {
            (Dialect::Strict, _) => Err(refusal::alias(alias, span)),
            (Dialect::Kubernetes, None) => Err(unresolved(Unresolved::NoValue)),
            (Dialect::Kubernetes, Some(id)) => self.anchors.resolve(id).map_err(unresolved),
        };
        let content = resolved.unwrap_or_else(|fault| {
            self.faults.push(fault);
            Content::Scalar {
                text: alias.to_owned(),
                form: Form::Text,
            }
        });
        self.add(span, line, content, 0);
    }

    fn form(
        &mut self,
        text: &str,
        plain: bool,
        tag: Option<&Tag>,
        at: &granit_parser::Span,
    ) -> Form {
        let form = self.dialect.form(plain);
        let Some(tag) = tag else { return form };
        let tagged = self.dialect.tagged_form(tag, text, form);
        tagged.unwrap_or_else(|| {
            self.refuse_tag(self.tag_span(at));
            form
        })
    }

    /// Refuses the tag of a collection unless it names the type of the collection.
    fn check_tag(&mut self, tag: Option<&Tag>, name: &str, at: &granit_parser::Span) {
        if tag.is_some_and(|tag| !self.dialect.accepts_tag(tag, name)) {
            self.refuse_tag(self.tag_span(at));
        }
    }

    fn refuse_tag(&mut self, span: Span) {
        let tag = self.source.slice(span);
        self.faults.push(refusal::tag(tag, span));
    }

    fn tag_span(&self, at: &granit_parser::Span) -> Span {
        let start = at.tag_start().unwrap_or(at.start);
        self.source.word(self.byte(&start))
    }

    /// Refuses quoted text that continues on a line where it looks like a field. The parser permits
    /// any indentation within quotes and brackets.
    fn check_indentation(&mut self, span: Span, style: ScalarStyle) {
        let is_quoted = matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted);
        if self.dialect == Dialect::Strict && is_quoted {
            let dedented = self.source.dedented(span);
            self.faults.extend(dedented.map(refusal::dedented_text));
        }
    }

    /// `span`, or if it is empty, the span of the key or dash before it.
    fn introduced(&self, span: Span) -> Span {
        if span.start < span.end {
            return span;
        }
        match self.open.last().map(|open| &open.items) {
            Some(Items::Mapping { key: Some(key), .. }) => key.span,
            Some(Items::Sequence(_)) => {
                let dash = self.source.dash_before(span.start);
                dash.map_or(span, |dash| Span {
                    start: dash,
                    end: dash + 1,
                })
            }
            _ => span,
        }
    }

    /// The start of a list that the parser reports at `at`. If the list is not indented deeper than
    /// its key, the parser reports a position after the first dash.
    fn sequence_start(&self, at: usize) -> usize {
        match self.open.last().map(|open| &open.items) {
            Some(Items::Mapping { .. }) => self.source.dash_before(at).unwrap_or(at),
            _ => at,
        }
    }
}

/// Converts a key to text, as in JSON.
fn as_text(key: &mut Node) {
    let Content::Scalar { text, form } = &mut key.content else {
        return;
    };
    match Scalar::resolve(text, *form) {
        Scalar::Bool(value) => *text = value.to_string(),
        Scalar::Integer(value) => *text = value.to_string(),
        Scalar::Float(value) => *text = value.to_string(),
        Scalar::Null | Scalar::Text(_) => {}
    }
    *form = Form::Text;
}
