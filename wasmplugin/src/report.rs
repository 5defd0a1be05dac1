//! Diagnostics, notes and failures → stderr, or JSON.
//!
//! A message that cannot be delivered, as when stderr is closed, is no reason to fail.

use std::cell::OnceCell;
use std::io::Write;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};
use policy_schema::code::Severity;
use policy_schema::diagnostic::{Diagnostic, Place, SourceText};
use serde::Serialize;

use crate::failure::Failure;
use crate::position::Lines;

/// A diagnostic as programs read it.
#[derive(Debug, Serialize)]
pub(crate) struct Entry<'d> {
    code: &'static str,
    severity: &'static str,
    #[serde(flatten)]
    place: EntryPlace<'d>,
    message: &'d str,
    help: &'d str,
    #[serde(skip_serializing_if = "Option::is_none")]
    related: Option<EntryPlace<'d>>,
}

/// A part of a file as programs read it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct EntryPlace<'d> {
    file: &'d str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

/// Shows diagnostics, in the order given.
pub(crate) fn diagnostics(diagnostics: &[Diagnostic], sources: &[SourceText]) {
    let texts = Texts::new(sources);
    let mut stderr = anstream::stderr().lock();
    for diagnostic in diagnostics {
        let mut text = texts.rendered(diagnostic);
        text.push_str("\n\n");
        let _ = stderr.write_all(text.as_bytes());
    }
}

/// The same for programs.
pub(crate) fn entries<'d>(
    diagnostics: &'d [Diagnostic],
    sources: &'d [SourceText],
) -> Vec<Entry<'d>> {
    let texts = Texts::new(sources);
    let entry = |diagnostic: &'d Diagnostic| {
        Some(Entry {
            code: diagnostic.code.as_str(),
            severity: match diagnostic.severity() {
                Severity::Warning => "warning",
                Severity::Error => "error",
            },
            place: texts.entry(place(diagnostic))?,
            message: &diagnostic.message,
            help: &diagnostic.help,
            related: diagnostic.related.and_then(|place| texts.entry(place)),
        })
    };
    diagnostics.iter().filter_map(entry).collect()
}

fn place(diagnostic: &Diagnostic) -> Place {
    Place {
        source: diagnostic.source,
        span: diagnostic.span,
    }
}

/// The texts that diagnostics are about. Each is divided into lines once, when it is needed.
struct Texts<'d> {
    sources: &'d [SourceText],
    lines: Vec<OnceCell<Lines<'d>>>,
}

impl<'d> Texts<'d> {
    fn new(sources: &'d [SourceText]) -> Self {
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

    fn entry(&self, Place { source, span }: Place) -> Option<EntryPlace<'d>> {
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

    fn rendered(&self, diagnostic: &Diagnostic) -> String {
        let level = match diagnostic.severity() {
            Severity::Warning => Level::WARNING,
            Severity::Error => Level::ERROR,
        };
        let related = diagnostic.related.and_then(|place| self.snippet(place));
        let about = level
            .primary_title(diagnostic.message.as_str())
            .id(diagnostic.code.as_str())
            .elements(self.snippet(place(diagnostic)))
            .element(Level::HELP.message(diagnostic.help.as_str()));
        let related =
            related.map(|snippet| Level::NOTE.secondary_title("it is here").element(snippet));
        let report: Vec<_> = std::iter::once(about).chain(related).collect();
        Renderer::styled().render(&report)
    }

    /// The lines of the place alone: the renderer would look through the whole text each time.
    fn snippet(&self, Place { source, span }: Place) -> Option<Snippet<'d, Annotation<'d>>> {
        let (text, lines) = self.get(source)?;
        let excerpt = lines.excerpt(span);
        let within = span.start - excerpt.start..span.end - excerpt.start;
        Some(
            Snippet::source(excerpt.text)
                .line_start(excerpt.line)
                .path(text.name.as_str())
                .annotation(AnnotationKind::Primary.span(within)),
        )
    }
}

/// How many errors and warnings there are.
pub(crate) fn counts(diagnostics: &[Diagnostic]) -> String {
    let count = |severity| {
        let of_severity = |diagnostic: &&Diagnostic| diagnostic.severity() == severity;
        diagnostics.iter().filter(of_severity).count()
    };
    let errors = count(Severity::Error);
    let warnings = count(Severity::Warning);
    let named = [
        (errors, counted(errors, "error", "errors")),
        (warnings, counted(warnings, "warning", "warnings")),
    ];
    let present = named.into_iter().filter(|(count, _)| *count > 0);
    present.map(|(_, text)| text).collect::<Vec<_>>().join(", ")
}

/// A number of things.
pub(crate) fn counted(count: usize, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

/// Shows why a command did not do what it was asked.
pub(crate) fn failure(failure: &Failure) {
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

/// Shows how a command went.
pub(crate) fn summary(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}
