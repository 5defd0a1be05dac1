//! Source locations as file, line and column.

use std::cell::OnceCell;

use policy_schema::diagnostic::{Place, SourceText};
use policy_schema::yaml::Lines;
use serde::Serialize;

/// A range in a file. Lines and columns count from 1, columns count characters, and the end is exclusive.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FilePlace<'d> {
    pub(crate) file: &'d str,
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) end_line: usize,
    pub(crate) end_column: usize,
}

/// Sources by index. Each is split into lines once, on first use.
#[derive(Debug)]
pub struct Texts<'d> {
    sources: &'d [SourceText],
    lines: Vec<OnceCell<Lines<'d>>>,
}

impl<'d> Texts<'d> {
    /// Creates an index of sources, in the order that places number them.
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

    /// Resolves a place to a range in a file.
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
