//! Problems in a policy as data: code, location, message and help.
//!
//! Independent of files and terminals. The command line adds file, line and excerpt; the filter
//! prints a problem as one log line.

use std::borrow::Cow;
use std::fmt;

use crate::code::Code;

/// One step from the root of a document towards a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A field of a mapping.
    Key(Cow<'static, str>),
    /// A position in a sequence, from 0.
    Index(usize),
}

/// The location of a value in its document, such as `spec.rules[3].from[0].principals[1]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location(Vec<Step>);

impl Location {
    /// The steps from the document's root, outermost first.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }
}

impl FromIterator<Step> for Location {
    fn from_iter<I: IntoIterator<Item = Step>>(steps: I) -> Self {
        Self(steps.into_iter().collect())
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if position == 0 => write!(f, "{key}")?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// The location of the current value, kept on the stack: it costs nothing until a problem is found.
#[derive(Clone, Copy, Debug)]
pub enum Cursor<'a> {
    /// The document itself.
    Root,
    /// A field of the mapping at the parent cursor.
    Key(&'a Cursor<'a>, &'a str),
    /// An element of the sequence at the parent cursor.
    Index(&'a Cursor<'a>, usize),
}

impl<'a> Cursor<'a> {
    /// The cursor of field `key` in this value.
    #[must_use]
    pub fn key(&'a self, key: &'a str) -> Cursor<'a> {
        Cursor::Key(self, key)
    }

    /// The cursor of element `index` in this value.
    #[must_use]
    pub fn index(&'a self, index: usize) -> Cursor<'a> {
        Cursor::Index(self, index)
    }

    /// An owned copy of the location.
    pub fn location(&self) -> Location {
        let mut steps = Vec::new();
        let mut cursor = self;
        loop {
            cursor = match cursor {
                Cursor::Root => break,
                Cursor::Key(parent, key) => {
                    steps.push(Step::Key(Cow::Owned((*key).to_owned())));
                    parent
                }
                Cursor::Index(parent, index) => {
                    steps.push(Step::Index(*index));
                    parent
                }
            };
        }
        steps.into_iter().rev().collect()
    }
}

/// A problem in a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The kind of problem.
    pub code: Code,
    /// The location in the document.
    pub location: Location,
    /// The problem in one clause: lower case, no full stop, user text in backticks.
    pub message: String,
    /// How to fix it.
    pub help: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            code,
            location,
            message,
            help,
        } = self;
        write!(f, "{location}: {message} [{code}]; {help}")
    }
}

/// Collects all problems of a run.
#[derive(Debug, Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Adds a problem at `cursor`.
    pub fn report(
        &mut self,
        code: Code,
        cursor: &Cursor<'_>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.0.push(Problem {
            code,
            location: cursor.location(),
            message: message.into(),
            help: help.into(),
        });
    }

    /// The number of problems so far.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The problems in the order in which they were found.
    pub fn into_vec(self) -> Vec<Problem> {
        self.0
    }
}
