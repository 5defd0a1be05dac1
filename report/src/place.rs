//! Places in texts, as files and lines.

use std::cell::OnceCell;

use policy_schema::diagnostic::{Place, SourceText};
use policy_schema::yaml::Lines;
use serde::Serialize;

/// A part of a file: lines and columns from 1, columns in characters, the end exclusive.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FilePlace<'d> {
    pub(crate) file: &'d str,
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) end_line: usize,
    pub(crate) end_column: usize,
}

/// Texts that something is said about. Each is divided into lines once, when it is needed.
#[derive(Debug)]
pub struct Texts<'d> {
    sources: &'d [SourceText],
    lines: Vec<OnceCell<Lines<'d>>>,
}

impl<'d> Texts<'d> {
    /// These texts, in the order that places number them.
    pub fn new(sources: &'d [SourceText]) -> Self {
        Self {
            sources,
            lines: sources.iter().map(|_| OnceCell::new()).collect(),
        }
    }

    pub(crate) fn get(&self, source: usize) -> Option<(&'d SourceText, &Lines<'d>)> {
        let text = self.sources.get(source)?;
        let lines = self.lines.get(source)?;
        Some((text, lines.get_or_init(|| Lines::new(&text.text))))
    }

    /// The file and the lines of a place.
    pub(crate) fn in_file(&self, Place { source, span }: Place) -> Option<FilePlace<'d>> {
        let (text, lines) = self.get(source)?;
        let start = lines.position(span.start);
        let end = lines.position(span.end);
        Some(FilePlace {
            file: &text.name,
            line: start.line,
            column: start.column,
            end_line: end.line,
            end_column: end.column,
        })
    }

    /// `FILE:LINE`.
    pub(crate) fn line(&self, place: Place) -> Option<String> {
        let FilePlace { file, line, .. } = self.in_file(place)?;
        Some(format!("{file}:{line}"))
    }
}
