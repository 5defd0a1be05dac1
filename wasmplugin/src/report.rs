//! Diagnostics, findings, notes and failures → stderr, or JSON.
//!
//! A message that cannot be delivered, as when stderr is closed, is no reason to fail.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::io::Write;
use std::path::Path;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};
use peergate_fault::Fault;
use policy_schema::code::Severity;
use policy_schema::diagnostic::{Diagnostic, Place, SourceText};
use policy_schema::verify::Finding;
use policy_schema::wording::counted;
use policy_schema::yaml::{Lines, Position};
use serde::Serialize;

/// Something to be shown, with the text it is about if there is one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message<'m> {
    pub(crate) code: &'static str,
    pub(crate) severity: Severity,
    /// What it is about, where no place tells.
    pub(crate) subject: Option<&'m str>,
    pub(crate) text: &'m str,
    pub(crate) help: &'m str,
    pub(crate) place: Option<Place>,
    pub(crate) related: Option<Place>,
}

/// The same as programs read it.
#[derive(Debug, Serialize)]
pub(crate) struct Entry<'m> {
    code: &'static str,
    severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'m str>,
    #[serde(flatten)]
    place: Option<EntryPlace<'m>>,
    message: &'m str,
    help: &'m str,
    #[serde(skip_serializing_if = "Option::is_none")]
    related: Option<EntryPlace<'m>>,
}

/// A part of a file as programs read it: lines and columns from 1, columns in characters, the end
/// exclusive.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EntryPlace<'d> {
    pub(crate) file: &'d str,
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) end_line: usize,
    pub(crate) end_column: usize,
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

/// How many problems are shown.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct LimitArgs {
    /// Show at most this many problems, errors before warnings
    #[arg(long, value_name = "NUMBER", default_value_t = MAX_PROBLEMS)]
    max_problems: usize,
}

/// More bytes of a message than these are not shown.
const MAX_MESSAGE: usize = 2_000;

/// How many problems are shown where nothing else is asked for: one text can have one for each of its bytes.
const MAX_PROBLEMS: usize = 100;

impl Default for LimitArgs {
    fn default() -> Self {
        Self {
            max_problems: MAX_PROBLEMS,
        }
    }
}

impl LimitArgs {
    /// The problems to show, in the order given: errors first if there are too many. Says how many others
    /// there are.
    pub(crate) fn choose<T>(self, problems: &[T], is_error: impl Fn(&T) -> bool) -> Vec<&T> {
        let Some(left_out) = problems.len().checked_sub(self.max_problems + 1) else {
            return problems.iter().collect();
        };
        note(&format!(
            "{} not shown: `--max-problems` of `validate` and `import` shows more",
            counted(left_out + 1, "more problem is", "more problems are")
        ));
        let places = || problems.iter().enumerate();
        let errors = places().filter(|(_, problem)| is_error(problem));
        let others = places().filter(|(_, problem)| !is_error(problem));
        let mut chosen: Vec<_> = errors.chain(others).take(self.max_problems).collect();
        chosen.sort_by_key(|(place, _)| *place);
        chosen.into_iter().map(|(_, problem)| problem).collect()
    }

    /// The same of diagnostics.
    pub(crate) fn diagnostics(self, diagnostics: &[Diagnostic]) -> Vec<&Diagnostic> {
        self.choose(diagnostics, |diagnostic| {
            diagnostic.severity() == Severity::Error
        })
    }
}

/// Shows diagnostics, in the order given.
pub(crate) fn diagnostics(diagnostics: &[Diagnostic], sources: &[SourceText]) {
    limited_diagnostics(diagnostics, sources, LimitArgs::default());
}

/// Shows as many diagnostics as may be, in the order given.
pub(crate) fn limited_diagnostics(
    diagnostics: &[Diagnostic],
    sources: &[SourceText],
    limit: LimitArgs,
) {
    let chosen = limit.diagnostics(diagnostics).into_iter();
    let text = rendered(chosen.map(Message::from), sources);
    let _ = anstream::stderr().write_all(text.as_bytes());
}

/// Messages for people, in the order given.
pub(crate) fn rendered<'m>(
    messages: impl Iterator<Item = Message<'m>>,
    sources: &[SourceText],
) -> String {
    let texts = Texts::new(sources);
    messages
        .map(|message| texts.rendered(&message) + "\n\n")
        .collect()
}

/// The same for programs.
pub(crate) fn entries<'m>(
    messages: impl Iterator<Item = Message<'m>>,
    sources: &'m [SourceText],
) -> Vec<Entry<'m>> {
    let texts = Texts::new(sources);
    messages
        .map(|message| Entry {
            code: message.code,
            severity: severity(message.severity),
            subject: message.subject,
            place: message.place.and_then(|place| texts.entry(place)),
            message: message.text,
            help: message.help,
            related: message.related.and_then(|place| texts.entry(place)),
        })
        .collect()
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

/// The texts that messages are about. Each is divided into lines once, when it is needed.
pub(crate) struct Texts<'d> {
    sources: &'d [SourceText],
    lines: Vec<OnceCell<Lines<'d>>>,
}

impl<'d> Texts<'d> {
    pub(crate) fn new(sources: &'d [SourceText]) -> Self {
        Self {
            sources,
            lines: sources.iter().map(|_| OnceCell::new()).collect(),
        }
    }

    fn get(&self, source: usize) -> Option<(&'d SourceText, &Lines<'d>)> {
        let text = self.sources.get(source)?;
        let lines = self.lines.get(source)?;
        Some((text, lines.get_or_init(|| Lines::new(&text.text))))
    }

    /// The file and the lines of a place.
    pub(crate) fn entry(&self, Place { source, span }: Place) -> Option<EntryPlace<'d>> {
        let (text, lines) = self.get(source)?;
        let start = lines.position(span.start);
        let end = lines.position(span.end);
        Some(EntryPlace {
            file: &text.name,
            line: start.line,
            column: start.column,
            end_line: end.line,
            end_column: end.column,
        })
    }

    fn rendered(&self, message: &Message<'_>) -> String {
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
            message.place.and_then(|place| self.shown(place)),
            message.related.and_then(|place| self.shown(place)),
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
    fn shown(&self, place: Place) -> Option<Shown<'d>> {
        let (text, lines) = self.get(place.source)?;
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
pub(crate) fn counts(severities: impl Iterator<Item = Severity>) -> String {
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

/// Shows why a command did not do what it was asked.
pub(crate) fn failure(failure: &dyn Fault) {
    let help = failure.help().map(|help| Level::HELP.message(help));
    let report = Level::ERROR
        .primary_title(failure.to_string())
        .elements(help);
    message(report);
}

/// Shows what stands in the way.
pub(crate) fn error(text: &str) {
    message(Group::with_title(Level::ERROR.primary_title(text)));
}

/// Shows what is likely not meant.
pub(crate) fn warning(text: &str) {
    message(Group::with_title(Level::WARNING.primary_title(text)));
}

/// Shows what is good to know.
pub(crate) fn note(text: &str) {
    message(Group::with_title(Level::NOTE.primary_title(text)));
}

fn message(group: Group<'_>) {
    let _ = writeln!(
        anstream::stderr(),
        "{}",
        Renderer::styled().render(&[group])
    );
}

/// Shows which file was written.
pub(crate) fn wrote(path: &Path) {
    summary(&format!("wrote {}", path.display()));
}

/// Shows how a command went.
pub(crate) fn summary(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
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
