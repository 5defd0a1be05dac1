//! The exit status of a run.

use std::process::{ExitCode, Termination};

/// The exit status of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitStatus {
    /// The command succeeded, and its answer, if it has one, is yes.
    Success = 0,
    /// An operation failed, such as reading a file.
    Failure = 1,
    /// The answer is no: a request is denied, a mesh has drifted, a candidate is not ready or a certificate has findings.
    Negative = 2,
    /// The policies, the requests or the arguments are invalid.
    Invalid = 3,
}

impl Termination for ExitStatus {
    fn report(self) -> ExitCode {
        ExitCode::from(self as u8)
    }
}
