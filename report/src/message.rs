//! Diagnostics and findings as text, with source excerpts.

use std::borrow::Cow;

use annotate_snippets::{Annotation, AnnotationKind, Level, Renderer, Snippet};
use policy_schema::code::Severity;
use policy_schema::diagnostic::{Diagnostic, Place, SourceText};
use policy_schema::verify::Finding;
use policy_schema::wording::counted;
use policy_schema::yaml::Position;

use crate::place::Texts;

/// A diagnostic or finding.
#[derive(Clone, Copy, Debug)]
pub struct Message<'m> {
    pub(crate) code: &'static str,
    pub(crate) severity: Severity,
    /// The object with the problem, for findings.
    pub(crate) subject: Option<&'m str>,
    pub(crate) text: &'m str,
    pub(crate) help: &'m str,
    pub(crate) place: Option<Place>,
    pub(crate) related: Option<Place>,
}

impl<'d> From<&'d Diagnostic> for Message<'d> {
    fn from(diagnostic: &'d Diagnostic) -> Self {
        Self {
            code: diagnostic.code.as_str(),
            severity: diagnostic.severity(),
            subject: None,
            text: &diagnostic.message,
            help: &diagnostic.help,
            place: Some(Place {
                source: diagnostic.source,
                span: diagnostic.span,
            }),
            related: diagnostic.related,
        }
    }
}

impl<'f> From<&'f Finding> for Message<'f> {
    fn from(finding: &'f Finding) -> Self {
        Self {
            code: finding.code.as_str(),
            severity: finding.code.severity(),
            subject: Some(&finding.subject),
            text: &finding.message,
            help: &finding.help,
            place: finding.place,
            related: None,
        }
    }
}

/// The maximum length of a message in bytes.
const MAX_MESSAGE_LEN: usize = 2_000;

/// Formats messages, in the order given.
pub fn rendered<'m>(messages: impl Iterator<Item = Message<'m>>, sources: &[SourceText]) -> String {
    let texts = Texts::new(sources);
    messages
        .map(|message| text(&message, &texts) + "\n\n")
        .collect()
}

fn text(message: &Message<'_>, texts: &Texts<'_>) -> String {
    let level = match message.severity {
        Severity::Warning => Level::WARNING,
        Severity::Error => Level::ERROR,
    };
    let text = shortened(message.text);
    let title = match message.subject {
        Some(subject) => format!("{subject}: {text}"),
        None => text.into_owned(),
    };
    let (shown, related) = (
        message.place.and_then(|place| shown(place, texts)),
        message.related.and_then(|place| shown(place, texts)),
    );
    let corrections = [&shown, &related].map(|shown| shown.as_ref().and_then(Shown::correction));
    let about = level
        .primary_title(title)
        .id(message.code)
        .elements(shown.map(|shown| shown.snippet))
        .element(Level::HELP.message(message.help));
    let related = related.map(|shown| {
        let title = Level::NOTE.secondary_title("the other one is here");
        title.element(shown.snippet)
    });
    let report: Vec<_> = std::iter::once(about).chain(related).collect();
    let rendered = Renderer::styled().render(&report);
    let corrections = corrections.into_iter().flatten();
    corrections.fold(rendered, |rendered, (from, to)| {
        rendered.replacen(&from, &to, 1)
    })
}

/// The lines of one place. The renderer would scan the whole text for each message.
fn shown<'d>(place: Place, texts: &Texts<'d>) -> Option<Shown<'d>> {
    let (text, lines) = texts.get(place.source)?;
    let Place { span, .. } = place;
    let excerpt = lines.excerpt(span);
    let end = span.end.min(excerpt.start + excerpt.text.len());
    let before = span.start - excerpt.start;
    let snippet = Snippet::source(excerpt.text)
        .line_start(excerpt.line)
        .path(text.name.as_str())
        .annotation(AnnotationKind::Primary.span(before..end - excerpt.start));
    Some(Shown {
        snippet,
        name: &text.name,
        position: lines.position(span.start),
        column: excerpt.text.get(..before)?.chars().count() + 1,
    })
}

/// An excerpt of a source.
struct Shown<'d> {
    snippet: Snippet<'d, Annotation<'d>>,
    name: &'d str,
    position: Position,
    /// The column in the excerpt.
    column: usize,
}

impl Shown<'_> {
    /// The place as the renderer prints it and the correct place, if they differ. The renderer counts columns from the start of
    /// the excerpt, which may begin within a line.
    fn correction(&self) -> Option<(String, String)> {
        let Position { line, column } = self.position;
        let place = |column| format!("{}:{line}:{column}", self.name);
        (column != self.column).then(|| (place(self.column), place(column)))
    }
}

/// Shortens a message that quotes a very long text.
pub(crate) fn shortened(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_MESSAGE_LEN {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(MAX_MESSAGE_LEN);
    Cow::Owned(format!("{}…", text.get(..end).unwrap_or_default()))
}

/// Counts errors and warnings.
pub fn counts(severities: impl Iterator<Item = Severity>) -> String {
    let (mut errors, mut warnings) = (0, 0);
    for severity in severities {
        match severity {
            Severity::Error => errors += 1,
            Severity::Warning => warnings += 1,
        }
    }
    let named = [
        (errors, counted(errors, "error", "errors")),
        (warnings, counted(warnings, "warning", "warnings")),
    ];
    let present = named.into_iter().filter(|(count, _)| *count > 0);
    present.map(|(_, text)| text).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use policy_schema::yaml::Span;

    use super::*;

    #[test]
    fn reports_the_column_in_the_whole_line() {
        let text = "é".repeat(5_000) + "fault";
        let sources = [SourceText {
            name: "policy.json".to_owned(),
            text,
        }];
        let place = |start| Place {
            source: 0,
            span: Span {
                start,
                end: start + 4,
            },
        };
        let message = Message {
            code: "wrong-type",
            severity: Severity::Error,
            subject: None,
            text: "no",
            help: "yes",
            place: Some(place(10_000)),
            related: Some(place(8_000)),
        };
        let shown = rendered(std::iter::once(message), &sources);
        assert!(shown.contains("policy.json:1:5001"), "{shown}");
        assert!(shown.contains("policy.json:1:4001"), "{shown}");
        assert_eq!(shown.matches("policy.json").count(), 2, "{shown}");
        assert!(shown.contains("fault"), "{shown}");
    }
}
