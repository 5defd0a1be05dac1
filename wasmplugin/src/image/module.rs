//! Recognizing WebAssembly modules.

use std::path::PathBuf;

use peergate_fault::{ExitStatus, Fault};
use thiserror::Error;

/// The first bytes of a WebAssembly module.
pub(crate) const WASM_MAGIC: [u8; 4] = *b"\0asm";

/// A file that is not a WebAssembly module.
#[derive(Debug, Error)]
#[error("`{}` is not a WebAssembly module", .0.display())]
pub(crate) struct NotAModule(pub(crate) PathBuf);

impl Fault for NotAModule {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        Some("build it with `make filter`")
    }
}
