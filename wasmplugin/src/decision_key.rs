//! The key that seals decision IDs, from a file.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use peergate_fault::{ExitStatus, Failure, Fault};
use policy_schema::decision_id::DecisionKey;
use thiserror::Error;

use crate::input::{bytes, name_of};

/// Where the key is.
#[derive(Debug, clap::Args)]
pub(crate) struct KeyArgs {
    /// File with the key that seals decision IDs: 32 random bytes in base64 (`openssl rand -base64 32`)
    #[arg(long = "decision-key", value_name = "FILE")]
    file: Option<PathBuf>,
}

/// A file without a valid key.
#[derive(Debug, Error)]
#[error("`{0}` does not hold a decision key: 32 bytes in base64")]
struct NotADecisionKey(String);

impl Fault for NotADecisionKey {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        Some("generate one with `openssl rand -base64 32`")
    }
}

impl KeyArgs {
    /// Reads the key, if there is a file.
    pub(crate) fn read(&self) -> Result<Option<DecisionKey>, Failure> {
        let Some(path) = &self.file else {
            return Ok(None);
        };
        let content = bytes(path)?;
        let text = content.trim_ascii();
        let read = STANDARD
            .decode(text)
            .or_else(|_| URL_SAFE_NO_PAD.decode(text));
        let key = read.ok().and_then(|key| <[u8; 32]>::try_from(key).ok());
        let key = key.ok_or_else(|| NotADecisionKey(name_of(path)))?;
        Ok(Some(DecisionKey::new(key)))
    }
}
