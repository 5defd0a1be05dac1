//! Diagnostics, notes and failures → stderr, or JSON.
//!
//! A message that cannot be delivered, as when stderr is closed, is no reason to fail.

use std::io::Write;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use policy_schema::code::Severity;
use policy_schema::diagnostic::{Diagnostic, SourceText};
use serde::Serialize;

use crate::failure::Failure;
use crate::position::Lines;

/// A diagnostic as programs read it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry<'d> {
    code: &'static str,
    severity: &'static str,
    file: &'d str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    message: &'d str,
    help: &'d str,
}

/// Shows diagnostics, in the order given: that of the sources.
pub(crate) fn diagnostics(diagnostics: &[Diagnostic], sources: &[SourceText]) {
    let mut stderr = anstream::stderr().lock();
    each(diagnostics, sources, |diagnostic, source, lines| {
        let _ = writeln!(stderr, "{}\n", rendered(diagnostic, source, lines));
    });
}

/// The same for programs.
pub(crate) fn entries<'d>(
    diagnostics: &'d [Diagnostic],
    sources: &'d [SourceText],
) -> Vec<Entry<'d>> {
    let mut entries = Vec::with_capacity(diagnostics.len());
    each(diagnostics, sources, |diagnostic, source, lines| {
        let start = lines.position(diagnostic.span.start);
        let end = lines.position(diagnostic.span.end);
        entries.push(Entry {
            code: diagnostic.code.as_str(),
            severity: match diagnostic.severity() {
                Severity::Warning => "warning",
                Severity::Error => "error",
            },
            file: &source.name,
            line: start.line,
            column: start.column,
            end_line: end.line,
            end_column: end.column,
            message: &diagnostic.message,
            help: &diagnostic.help,
        });
    });
    entries
}

fn each<'d>(
    diagnostics: &'d [Diagnostic],
    sources: &'d [SourceText],
    mut visit: impl FnMut(&'d Diagnostic, &'d SourceText, &Lines<'d>),
) {
    for of_source in diagnostics.chunk_by(|a, b| a.source == b.source) {
        let source = of_source.first().and_then(|first| sources.get(first.source));
        let Some(source) = source else { continue };
        let lines = Lines::new(&source.text);
        for diagnostic in of_source {
            visit(diagnostic, source, &lines);
        }
    }
}

fn rendered(diagnostic: &Diagnostic, source: &SourceText, lines: &Lines<'_>) -> String {
    let level = match diagnostic.severity() {
        Severity::Warning => Level::WARNING,
        Severity::Error => Level::ERROR,
    };
    // The renderer would look through the whole text for each diagnostic.
    let excerpt = lines.excerpt(diagnostic.span);
    let span = diagnostic.span.start - excerpt.start..diagnostic.span.end - excerpt.start;
    let snippet = Snippet::source(excerpt.text)
        .line_start(excerpt.line)
        .path(source.name.as_str())
        .annotation(AnnotationKind::Primary.span(span));
    let report = level
        .primary_title(diagnostic.message.as_str())
        .id(diagnostic.code.as_str())
        .element(snippet)
        .element(Level::HELP.message(diagnostic.help.as_str()));
    Renderer::styled().render(&[report])
}

/// How many errors and warnings there are.
pub(crate) fn counts(diagnostics: &[Diagnostic]) -> String {
    let count = |severity| {
        let of_severity = |diagnostic: &&Diagnostic| diagnostic.severity() == severity;
        diagnostics.iter().filter(of_severity).count()
    };
    let errors = counted(count(Severity::Error), "error", "errors");
    match (errors, count(Severity::Warning)) {
        (errors, 0) => errors,
        (errors, warnings) => format!("{errors}, {}", counted(warnings, "warning", "warnings")),
    }
}

/// A number of things.
pub(crate) fn counted(count: usize, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

/// Shows why a command did not do what it was asked.
pub(crate) fn failure(failure: &Failure) {
    let help = failure.help().map(|help| Level::HELP.message(help));
    let report = Level::ERROR.primary_title(failure.to_string()).elements(help);
    message(report);
}

/// Shows what is good to know.
pub(crate) fn note(text: &str) {
    message(Group::with_title(Level::NOTE.primary_title(text)));
}

fn message(group: Group<'_>) {
    let _ = writeln!(anstream::stderr(), "{}", Renderer::styled().render(&[group]));
}

/// Shows how a command went.
pub(crate) fn summary(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}
