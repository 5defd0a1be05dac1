//! An edited text → the file with it.

use std::path::PathBuf;

use peergate_fault::{ExitStatus, Failure, Fault};
use policy_schema::diagnostic::SourceText;
use thiserror::Error;

use crate::input::{self, BYTE_ORDER_MARK};
use crate::output::NewFile;

/// Why a policy file is not changed.
#[derive(Debug, Error)]
pub(crate) enum PolicyFileError {
    #[error("cannot write to stdin")]
    Stdin,
    #[error("`{}` was not changed: another program changed it in the meantime", .0.display())]
    ChangedMeanwhile(PathBuf),
}

impl Fault for PolicyFileError {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        Some(match self {
            Self::Stdin => "use a file, or remove `--write`",
            Self::ChangedMeanwhile(_) => "try again",
        })
    }
}

/// The file with the changed text, if its content is still the one that was read.
pub(crate) fn changed_file(source: &SourceText, text: &str) -> Result<NewFile, Failure> {
    let path = PathBuf::from(&source.name);
    let now = input::bytes(&path)?;
    let mark = if now.starts_with(BYTE_ORDER_MARK.as_bytes()) {
        BYTE_ORDER_MARK
    } else {
        ""
    };
    if now.strip_prefix(mark.as_bytes()) != Some(source.text.as_bytes()) {
        return Err(PolicyFileError::ChangedMeanwhile(path).into());
    }
    Ok(NewFile {
        path,
        content: [mark, text].concat().into_bytes(),
    })
}
