//! How a run ends.

use std::process::{ExitCode, Termination};

/// How a run ends, as scripts see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitStatus {
    /// The command did what it was asked, and the answer, if there is one, is yes.
    Success = 0,
    /// Something failed, such as reading a file.
    Failure = 1,
    /// The answer is no: a request is denied, a mesh is not what the documents say, what is in shadow is
    /// not ready, a certificate is not sound.
    Negative = 2,
    /// The policies, the requests or the arguments are invalid.
    Invalid = 3,
}

impl Termination for ExitStatus {
    fn report(self) -> ExitCode {
        ExitCode::from(self as u8)
    }
}
