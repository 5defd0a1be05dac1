//! The reader of a value, and why reading fails.

use std::cell::RefCell;
use std::fmt;

use serde::de::{self, Deserialize};

use super::super::Fault;
use super::super::guidance::Guidance;
use super::super::node::Node;
use super::super::wording::quoted;

/// The faults found, and help for common mistakes.
#[derive(Default)]
pub(super) struct Faults {
    pub(super) found: RefCell<Vec<Fault>>,
    pub(super) guidance: Guidance,
}

/// Reads a value, once more for each faulty field. All faults are reported if there is no result.
pub(super) fn attempt<'de, T: Deserialize<'de>>(
    node: &'de Node,
    place: Place<'de>,
    faults: &Faults,
) -> Option<T> {
    let absent = RefCell::default();
    let reader = Reader {
        node,
        place,
        faults,
        absent: &absent,
    };
    loop {
        match T::deserialize(reader) {
            Ok(value) => return absent.borrow().is_empty().then_some(value),
            Err(Failure::Again) => {}
            Err(failure) => {
                reader.report_failure(&failure);
                return None;
            }
        }
    }
}

/// Why a value could not be read.
#[derive(Debug)]
pub(super) enum Failure {
    /// It is faulty, and every fault is reported.
    Reported,
    /// A part of it is faulty and reported, and will be skipped the next time.
    Again,
    /// A struct lacks a required field.
    Missing(&'static str),
    /// The type's own message, not reported yet.
    Message(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reported | Self::Again => f.write_str("the value is faulty"),
            Self::Missing(field) => write!(f, "the field `{field}` is required"),
            Self::Message(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Failure {}

impl de::Error for Failure {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Message(message.to_string())
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }
}

/// The name of a value in messages: the nearest enclosing field. None at the root.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'de> {
    Whole(Option<&'de str>),
    Element(Option<&'de str>),
    Key(Option<&'de str>),
}

impl<'de> Place<'de> {
    pub(super) fn field(self) -> Option<&'de str> {
        match self {
            Self::Whole(field) | Self::Element(field) | Self::Key(field) => field,
        }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(_) => {}
            Self::Element(_) => f.write_str("an element of ")?,
            Self::Key(_) => f.write_str("a key of ")?,
        }
        match self.field() {
            Some(field) => f.write_str(&quoted(field)),
            None => f.write_str("the document"),
        }
    }
}

/// A value to be read.
#[derive(Clone, Copy)]
pub(super) struct Reader<'de, 'r> {
    pub(super) node: &'de Node,
    pub(super) place: Place<'de>,
    pub(super) faults: &'r Faults,
    /// Required fields of this value that are missing or faulty. They get a placeholder so that the
    /// search for faults can continue. The value is then discarded.
    pub(super) absent: &'r RefCell<Vec<&'static str>>,
}
