//! A changed text → the file that has it.

use std::path::PathBuf;

use policy_schema::diagnostic::SourceText;

use crate::failure::Failure;
use crate::input::{self, BYTE_ORDER_MARK};
use crate::output::NewFile;

/// The file with the changed text, unless somebody else has changed it meanwhile.
pub(crate) fn changed_file(source: &SourceText, text: &str) -> Result<NewFile, Failure> {
    let path = PathBuf::from(&source.name);
    let now = input::bytes(&path)?;
    let mark = if now.starts_with(BYTE_ORDER_MARK.as_bytes()) {
        BYTE_ORDER_MARK
    } else {
        ""
    };
    if now.strip_prefix(mark.as_bytes()) != Some(source.text.as_bytes()) {
        return Err(Failure::ChangedMeanwhile(path));
    }
    Ok(NewFile {
        path,
        content: [mark, text].concat().into_bytes(),
    })
}
