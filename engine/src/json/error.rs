//! Why a text cannot be read.

use thiserror::Error;

use crate::problem::Location;

/// Why a text is not JSON of the expected shape.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{}{message} at line {line} column {column}", prefix(.location))]
pub struct JsonError {
    pub(super) location: Location,
    pub(super) message: Box<str>,
    /// From 1.
    pub(super) line: usize,
    /// In bytes, from 1.
    pub(super) column: usize,
}

fn prefix(location: &Location) -> String {
    match location.steps() {
        [] => String::new(),
        _ => format!("{location}: "),
    }
}
