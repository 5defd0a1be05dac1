//! A file as its name and its content.

use std::path::PathBuf;

/// A file that is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its path in the folder that it goes into.
    pub path: PathBuf,
    /// All of it.
    pub content: Vec<u8>,
}
