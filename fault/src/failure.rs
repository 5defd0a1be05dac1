//! Errors with an exit status and help.

use std::error::Error;
use std::fmt;
use std::ops::Deref;

use crate::ExitStatus;

/// An error that may end a run.
pub trait Fault: Error {
    /// The exit status.
    fn status(&self) -> ExitStatus;

    /// How to fix the error, in the imperative.
    fn help(&self) -> Option<&str>;

    /// Whether the error only summarizes diagnostics that are already shown.
    fn is_summary(&self) -> bool {
        false
    }
}

/// An error that ends a run.
pub struct Failure(Box<dyn Fault>);

impl<F: Fault + 'static> From<F> for Failure {
    fn from(fault: F) -> Self {
        Self(Box::new(fault))
    }
}

impl Deref for Failure {
    type Target = dyn Fault;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
