//! Edits policy documents in place: everything else in the text stays the same, to the byte.
//!
//! Block style can be edited by whole lines. Flow style, including JSON, is refused: where commas
//! and line ends belong would be a guess.

mod image;
#[cfg(test)]
mod tests;

use thiserror::Error;

use crate::plugin_config::PolicyName;
use crate::yaml::{self, Lines, Node, Span};

/// The characters that end lines.
const LINE_END: [char; 2] = ['\n', '\r'];

/// A text of policy documents to edit.
#[derive(Debug)]
pub struct PolicyText<'t> {
    text: &'t str,
    documents: Vec<Node>,
}

/// A replacement of a part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The part to replace. Empty for an insertion.
    pub span: Span,
    /// The replacement.
    pub replacement: String,
}

/// Where to insert elements: replacing `span` and below `before`, each with this indentation.
#[derive(Debug)]
struct Place {
    span: Span,
    before: String,
    indent: String,
}

/// Why a text cannot be edited.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum EditError {
    /// The text does not parse.
    #[error("it is not valid policy YAML")]
    NotYaml,
    /// There is no `Mesh` to edit.
    #[error("it has no document of kind `Mesh` with a `spec`")]
    NoMesh,
    /// The policy is not in the text.
    #[error("it has no policy `{0}`")]
    NoPolicy(PolicyName),
    /// The policy has no rule with this ID.
    #[error("policy `{policy}` has no rule `{rule}`")]
    NoRule {
        /// The policy.
        policy: PolicyName,
        /// The missing ID.
        rule: String,
    },
    /// The field is absent.
    #[error("line {line}: missing `{field}`")]
    NoField {
        /// The line of the mapping that lacks it, from 1.
        line: usize,
        /// The field's name.
        field: String,
    },
    /// The field is in flow style, which cannot be edited.
    #[error("line {line}: `{field}` is in flow style")]
    InBrackets {
        /// The field's line, from 1.
        line: usize,
        /// The field's name.
        field: String,
    },
    /// The field cannot be removed by whole lines.
    #[error("line {line}: `{field}` shares its lines with other text")]
    SharedLines {
        /// The field's line, from 1.
        line: usize,
        /// The field's name.
        field: String,
    },
    /// Two edits cover the same bytes.
    #[error("two changes overlap")]
    Overlap,
}

impl<'t> PolicyText<'t> {
    /// Parses a text.
    pub fn parse(text: &'t str) -> Result<Self, EditError> {
        let documents = yaml::parse(text).map_err(|_| EditError::NotYaml)?;
        Ok(Self { text, documents })
    }

    /// Whether the policy is in this text.
    pub fn has_policy(&self, policy: &PolicyName) -> bool {
        self.spec(policy).is_ok()
    }

    /// Removes a field from a policy's `spec`.
    pub fn remove_spec_field(&self, policy: &PolicyName, field: &str) -> Result<Edit, EditError> {
        self.remove_field(self.spec(policy)?, field)
    }

    /// Removes a field from a rule.
    pub fn remove_rule_field(
        &self,
        policy: &PolicyName,
        rule: &str,
        field: &str,
    ) -> Result<Edit, EditError> {
        self.remove_field(self.rule(policy, rule)?, field)
    }

    /// Replaces the value of a rule's field. The new value is written on one line.
    pub fn replace_rule_field(
        &self,
        policy: &PolicyName,
        rule: &str,
        field: &str,
        value: &str,
    ) -> Result<Edit, EditError> {
        let node = self.rule(policy, rule)?;
        let old = node.field(field).ok_or_else(|| EditError::NoField {
            line: self.line(node.span().start),
            field: field.to_owned(),
        })?;
        let Span { start, end } = old.span();
        let before = self.before(start);
        let on_its_line = before.rfind(LINE_END).map_or(before, |line_end| {
            before.get(line_end + 1..).unwrap_or_default()
        });
        let text = self.text.get(start..end).unwrap_or_default();
        // A value below its key is a block, where quotes would be part of the text.
        if text.contains(LINE_END) || !on_its_line.contains(field) {
            return Err(EditError::SharedLines {
                line: self.line(start),
                field: field.to_owned(),
            });
        }
        Ok(Edit {
            span: old.span(),
            replacement: value.to_owned(),
        })
    }

    /// Appends a rule. `lines` are those of a mapping, with relative indentation.
    pub fn append_rule(&self, policy: &PolicyName, lines: &[String]) -> Result<Edit, EditError> {
        let lines = lines.iter().enumerate().map(|(position, line)| {
            let dash = if position == 0 { "- " } else { "  " };
            format!("{dash}{line}\n")
        });
        self.append_rules(policy, &lines.collect::<String>())
    }

    /// Appends rules. `list` is a YAML list, including comments, without indentation.
    pub fn append_rules(&self, policy: &PolicyName, list: &str) -> Result<Edit, EditError> {
        const FIELD: &str = "rules";
        let spec = self.spec(policy)?;
        let rules = spec.field(FIELD).ok_or_else(|| EditError::NoField {
            line: self.line(spec.span().start),
            field: FIELD.to_owned(),
        })?;
        let place = match rules.elements().last() {
            Some(end) => self.after_element(rules, end),
            None => self.in_place_of_brackets(spec, FIELD, rules),
        };
        let place = place.ok_or_else(|| EditError::InBrackets {
            line: self.line(rules.span().start),
            field: FIELD.to_owned(),
        })?;
        let Place {
            span,
            before,
            indent,
        } = place;
        let line_end = self.line_end();
        let lines = list.lines().map(|line| {
            let indent = if line.is_empty() { "" } else { &*indent };
            format!("{indent}{line}{line_end}")
        });
        Ok(Edit {
            span,
            replacement: before + &lines.collect::<String>(),
        })
    }

    /// Below the last element of a list in block style.
    fn after_element(&self, elements: &Node, last: &Node) -> Option<Place> {
        let dash = elements.span().start;
        let indent = self.text.get(self.line_start(dash)..dash)?;
        if !self.rest(dash).starts_with('-') || !is_blank(indent) {
            return None;
        }
        let content = self.before(last.span().end).trim_end().len();
        let (at, before) = match self.rest(content).find(LINE_END) {
            Some(length) => (self.after_line_end(content + length), ""),
            None => (self.text.len(), self.line_end()),
        };
        Some(Place {
            span: Span { start: at, end: at },
            before: before.to_owned(),
            indent: indent.to_owned(),
        })
    }

    /// Below the key of an empty list or mapping, `key: []` on a line of its own. A trailing
    /// comment stays.
    fn in_place_of_brackets(&self, mapping: &Node, key: &str, value: &Node) -> Option<Place> {
        let Span { start, end } = value.span();
        let between = self.text.get(start..end)?.strip_prefix(['[', '{'])?;
        let (_, key) = mapping.keys().find(|(name, _)| *name == key)?;
        let indent = self.text.get(self.line_start(key.start)..key.start)?;
        let colon = self.text.get(key.end..start)?.trim_end_matches(' ');
        let line_end = self.rest(end).find(LINE_END);
        let line_end = line_end.map_or(self.text.len(), |length| end + length);
        let comment = self.text.get(end..line_end)?.trim_end();
        let is_alone = !self.rest(mapping.span().start).starts_with('{')
            && between.strip_suffix([']', '}']).is_some_and(is_blank)
            && is_blank(indent)
            && colon == ":"
            && (comment.is_empty() || comment.trim_start().starts_with('#'));
        is_alone.then(|| Place {
            span: Span {
                start: key.end + colon.len(),
                end: self.after_line_end(line_end),
            },
            before: format!("{comment}{}", self.line_end()),
            indent: format!("{indent}  "),
        })
    }

    /// Excludes a caller from all sources of a rule.
    pub fn except_from_sources(
        &self,
        policy: &PolicyName,
        rule: &str,
        caller: &str,
    ) -> Result<Vec<Edit>, EditError> {
        const FIELD: &str = "notPrincipals";
        let node = self.rule(policy, rule)?;
        let line_of = |node: &Node| self.line(node.span().start);
        let shared = |node: &Node| EditError::SharedLines {
            line: line_of(node),
            field: FIELD.to_owned(),
        };
        let insert = |node: &Node, lines: &dyn Fn(&str) -> String| {
            let indent = self.indent_of_element(node).ok_or_else(|| shared(node))?;
            let at = node.span().start;
            Ok(Edit {
                span: Span { start: at, end: at },
                replacement: lines(&format!("{indent}  ")),
            })
        };
        let end = self.line_end();
        let Some(sources) = node.field("from") else {
            let lines =
                |indent: &str| format!("from:{end}{indent}  - {FIELD}: [{caller}]{end}{indent}");
            return Ok(vec![insert(node, &lines)?]);
        };
        let edits = sources.elements().iter().map(|source| {
            let Some(known) = source.field(FIELD) else {
                let lines = |indent: &str| format!("{FIELD}: [{caller}]{end}{indent}");
                return insert(source, &lines);
            };
            let first = known.elements().first().ok_or_else(|| shared(known))?;
            if !self.rest(known.span().start).starts_with('[') {
                return Err(shared(known));
            }
            let at = first.span().start;
            Ok(Edit {
                span: Span { start: at, end: at },
                replacement: format!("{caller}, "),
            })
        });
        edits.collect()
    }

    /// The text before the dash of an element that begins on a line of its own.
    fn indent_of_element(&self, element: &Node) -> Option<&str> {
        let start = element.span().start;
        let line_start = self.before(start).rfind(LINE_END);
        let line_start = line_start.map_or(0, |end| end + 1);
        let indent = self.text.get(line_start..start)?.strip_suffix("- ")?;
        indent.bytes().all(|byte| byte == b' ').then_some(indent)
    }

    /// Applies the edits to the text.
    pub fn apply(&self, mut edits: Vec<Edit>) -> Result<String, EditError> {
        edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
        let mut changed = String::with_capacity(self.text.len());
        let mut done = 0;
        for edit in edits {
            // An edit that begins before the last one ends leaves no text between them.
            let between = self.text.get(done..edit.span.start);
            changed += between.ok_or(EditError::Overlap)?;
            changed += &edit.replacement;
            done = edit.span.end;
        }
        changed += self.text.get(done..).unwrap_or_default();
        Ok(changed)
    }

    fn spec(&self, policy: &PolicyName) -> Result<&Node, EditError> {
        let is_of = |document: &&Node| {
            let text = |node: Option<&Node>| node.and_then(Node::as_str).map(str::to_owned);
            let metadata = document.field("metadata");
            let of_metadata = |key| text(metadata.and_then(|metadata| metadata.field(key)));
            text(document.field("kind")).as_deref() == Some("ServicePolicy")
                && of_metadata("namespace").as_deref() == Some(&policy.namespace)
                && of_metadata("name").as_deref() == Some(&policy.name)
        };
        self.documents
            .iter()
            .find(is_of)
            .and_then(|document| document.field("spec"))
            .ok_or_else(|| EditError::NoPolicy(policy.clone()))
    }

    fn rule(&self, policy: &PolicyName, rule: &str) -> Result<&Node, EditError> {
        let rules = self.spec(policy)?.field("rules").map(Node::elements);
        let has_id = |node: &&Node| node.field("id").and_then(Node::as_str) == Some(rule);
        let node = rules.unwrap_or_default().iter().find(has_id);
        node.ok_or_else(|| EditError::NoRule {
            policy: policy.clone(),
            rule: rule.to_owned(),
        })
    }

    fn remove_field(&self, mapping: &Node, field: &str) -> Result<Edit, EditError> {
        let field = field.to_owned();
        let keys: Vec<_> = mapping.keys().collect();
        let place = keys.iter().position(|(key, _)| *key == field);
        let found = place.and_then(|place| {
            let (_, key) = keys.get(place)?;
            let next = keys.get(place + 1).map(|(_, next)| next.start);
            Some((*key, next, mapping.field(&field)?.span()))
        });
        let Some((key, next, value)) = found else {
            let line = self.line(mapping.span().start);
            return Err(EditError::NoField { line, field });
        };
        let line = self.line(key.start);
        if self.rest(mapping.span().start).starts_with('{') {
            return Err(EditError::InBrackets { line, field });
        }
        let shared = || EditError::SharedLines {
            line,
            field: field.clone(),
        };
        // An empty value has the span of its key.
        let end = value.end.max(key.end);
        let between = self.text.get(key.end..value.start).unwrap_or_default();
        if between.contains('#') {
            return Err(shared());
        }
        let line_start = self.before(key.start).rfind(LINE_END);
        let line_start = line_start.map_or(0, |end| end + 1);
        let indent = self.text.get(line_start..key.start).unwrap_or_default();
        let line_end = end
            + self
                .rest(end)
                .find(LINE_END)
                .unwrap_or(self.rest(end).len());
        let tail = self.text.get(end..line_end).unwrap_or_default();
        let comment = match tail.trim_start() {
            "" => None,
            comment if comment.starts_with('#') => Some(line_end - comment.len()),
            _ => return Err(shared()),
        };
        let is_alone = indent.trim_matches(' ').is_empty();
        let is_first_of_element = indent.trim_end_matches(' ').ends_with('-')
            && indent.chars().all(|char| matches!(char, ' ' | '-'));
        let span = match (is_alone, comment) {
            // The comment stays, on a line of its own.
            (true, Some(comment)) => key.start..comment,
            (true, None) => line_start..self.after_line_end(line_end),
            // The next comment or field moves up to the dash.
            (false, Some(comment)) if is_first_of_element => key.start..comment,
            (false, None) if is_first_of_element => {
                let next = next.ok_or_else(shared)?;
                let between = self.text.get(end..next).unwrap_or_default();
                let first = between.find('#').map_or(next, |comment| end + comment);
                key.start..first
            }
            (false, _) => return Err(shared()),
        };
        Ok(Edit {
            span: Span {
                start: span.start,
                end: span.end,
            },
            replacement: String::new(),
        })
    }

    /// The start of the line that contains `at`.
    fn line_start(&self, at: usize) -> usize {
        self.before(at).rfind(LINE_END).map_or(0, |end| end + 1)
    }

    /// The start of the next line, given the end of a line.
    fn after_line_end(&self, line_end: usize) -> usize {
        let rest = self.rest(line_end);
        let length = if rest.starts_with("\r\n") { 2 } else { 1 };
        (line_end + length).min(self.text.len())
    }

    /// The line ending of the text.
    fn line_end(&self) -> &'static str {
        if self.text.contains("\r\n") {
            "\r\n"
        } else {
            "\n"
        }
    }

    fn line(&self, offset: usize) -> usize {
        Lines::new(self.text).position(offset).line
    }

    fn before(&self, at: usize) -> &str {
        self.text.get(..at).unwrap_or_default()
    }

    fn rest(&self, at: usize) -> &str {
        self.text.get(at..).unwrap_or_default()
    }
}

/// Whether a text is empty or all white space.
fn is_blank(text: &str) -> bool {
    text.bytes().all(|byte| byte == b' ')
}
