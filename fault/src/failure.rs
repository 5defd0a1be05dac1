//! Why a command did not do what it was asked: an error that knows how the run ends and what to do about it.

use std::error::Error;
use std::fmt;
use std::ops::Deref;

use crate::ExitStatus;

/// An error that may end a run.
pub trait Fault: Error {
    /// How the run ends.
    fn status(&self) -> ExitStatus;

    /// What to do about it.
    fn help(&self) -> Option<&str>;

    /// Whether it only sums up diagnostics that have been shown.
    fn is_summary(&self) -> bool {
        false
    }
}

/// Why a command did not do what it was asked.
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
