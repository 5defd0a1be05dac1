//! How a WebAssembly module is recognized.

use std::path::PathBuf;

use peergate_fault::{ExitStatus, Fault};
use thiserror::Error;

/// What a WebAssembly module begins with.
pub(crate) const WASM_MAGIC: [u8; 4] = *b"\0asm";

/// A file that is not a WebAssembly module.
#[derive(Debug, Error)]
#[error("`{}` is no WebAssembly module", .0.display())]
pub(crate) struct NotAModule(pub(crate) PathBuf);

impl Fault for NotAModule {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        Some("make both with `make filter`")
    }
}
