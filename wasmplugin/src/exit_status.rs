//! How a run ends.

use std::process::{ExitCode, Termination};

/// How a run ends, as scripts see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitStatus {
    /// The command did what it was asked; a request, if one was asked about, passes.
    Success = 0,
    /// Something failed, such as reading a file.
    Failure = 1,
    /// A request is denied.
    Deny = 2,
    /// The policies, the requests or the arguments are invalid.
    Invalid = 3,
}

impl Termination for ExitStatus {
    fn report(self) -> ExitCode {
        ExitCode::from(self as u8)
    }
}
