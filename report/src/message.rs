//! Diagnostics and findings, for people: what is wrong, with the lines that it is about.

use std::borrow::Cow;

use annotate_snippets::{Annotation, AnnotationKind, Level, Renderer, Snippet};
use policy_schema::code::Severity;
use policy_schema::diagnostic::{Diagnostic, Place, SourceText};
use policy_schema::verify::Finding;
use policy_schema::wording::counted;
use policy_schema::yaml::Position;

use crate::place::Texts;

/// Something to be shown, with the text it is about if there is one.
#[derive(Clone, Copy, Debug)]
pub struct Message<'m> {
    pub(crate) code: &'static str,
    pub(crate) severity: Severity,
    /// What it is about, where no place tells.
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

/// More bytes of a message than these are not shown.
const MAX_MESSAGE: usize = 2_000;

/// Messages for people, in the order given.
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
    let moved = [&shown, &related].map(|shown| shown.as_ref().and_then(Shown::moved));
    let about = level
        .primary_title(title)
        .id(message.code)
        .elements(shown.map(|shown| shown.snippet))
        .element(Level::HELP.message(message.help));
    let related = related.map(|shown| {
        let title = Level::NOTE.secondary_title("it is here");
        title.element(shown.snippet)
    });
    let report: Vec<_> = std::iter::once(about).chain(related).collect();
    let rendered = Renderer::styled().render(&report);
    let moved = moved.into_iter().flatten();
    moved.fold(rendered, |rendered, (from, to)| {
        rendered.replacen(&from, &to, 1)
    })
}

/// The lines of the place alone: the renderer would look through the whole text each time.
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

/// A place with its lines.
struct Shown<'d> {
    snippet: Snippet<'d, Annotation<'d>>,
    name: &'d str,
    position: Position,
    /// The column in the excerpt.
    column: usize,
}

impl Shown<'_> {
    /// How the renderer names the place, and how it is named rightly, if that is not the same: it counts the
    /// columns of an excerpt that does not begin with its line.
    fn moved(&self) -> Option<(String, String)> {
        let Position { line, column } = self.position;
        let named = |column| format!("{}:{line}:{column}", self.name);
        (column != self.column).then(|| (named(self.column), named(column)))
    }
}

/// A message without the rest of what it quotes, if that is very long.
pub(crate) fn shortened(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_MESSAGE {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(MAX_MESSAGE);
    Cow::Owned(format!("{}…", text.get(..end).unwrap_or_default()))
}

/// How many errors and warnings there are.
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
    fn a_place_far_within_a_line_is_named_by_its_own_column() {
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
