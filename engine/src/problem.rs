//! What can be wrong with a policy, as data: a stable code, where, why, and what to do.
//!
//! Nothing here knows about files or terminals. The command line adds file, line and excerpt;
//! the filter prints a problem as one log line.

use std::borrow::Cow;
use std::fmt;

use crate::code::Code;

/// One step from the root of a document towards the value a problem is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A field of a mapping.
    Key(Cow<'static, str>),
    /// A position in a sequence, from 0.
    Index(usize),
}

/// Where a value stands in its document, such as `spec.rules[3].from[0].principals[1]`.
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

/// The location of the value being checked, kept on the stack: it costs nothing until a problem
/// is found.
#[derive(Clone, Copy, Debug)]
pub enum Cursor<'a> {
    /// The document itself.
    Root,
    /// A field of the mapping at the first cursor.
    Key(&'a Cursor<'a>, &'a str),
    /// An element of the sequence at the first cursor.
    Index(&'a Cursor<'a>, usize),
}

impl<'a> Cursor<'a> {
    /// The cursor of field `key` below this one.
    #[must_use]
    pub fn key(&'a self, key: &'a str) -> Cursor<'a> {
        Cursor::Key(self, key)
    }

    /// The cursor of element `index` below this one.
    #[must_use]
    pub fn index(&'a self, index: usize) -> Cursor<'a> {
        Cursor::Index(self, index)
    }

    /// Writes the location down, to outlive the walk.
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

/// Something in a policy that cannot be accepted as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The stable name of this kind of problem.
    pub code: Code,
    /// Where in the document.
    pub location: Location,
    /// What is wrong, in one clause: lower case, no full stop, user text in back-ticks.
    pub message: String,
    /// What to do about it.
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

/// Collects every problem of a walk, so that one run reports them all.
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

    /// How many problems were found so far.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The problems in the order in which they were found.
    pub fn into_vec(self) -> Vec<Problem> {
        self.0
    }
}
