//! Values → JSON and YAML.

use std::io::{self, Write};

use peergate_fault::{ExitStatus, Fault};
use policy_schema::yaml_text::{YamlTextError, yaml_text};
use serde::Serialize;
use thiserror::Error;

/// Why a result has no text.
#[derive(Debug, Error)]
pub enum SerializeError {
    /// A value that YAML cannot have.
    #[error(transparent)]
    Yaml(#[from] YamlTextError),
    /// A value that JSON cannot have.
    #[error("cannot write JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A text that XML cannot have.
    #[error("cannot write JUnit: {0}")]
    Junit(#[from] quick_junit::SerializeError),
}

impl Fault for SerializeError {
    fn status(&self) -> ExitStatus {
        ExitStatus::Failure
    }

    fn help(&self) -> Option<&str> {
        None
    }
}

/// The value as indented JSON with a line end.
pub fn json(value: &impl Serialize) -> Result<Vec<u8>, SerializeError> {
    let mut json = serde_json::to_vec_pretty(value)?;
    json.push(b'\n');
    Ok(json)
}

/// The value as a YAML document, as `kubectl` prints it.
pub fn yaml(value: &impl Serialize) -> Result<String, SerializeError> {
    Ok(yaml_text(value)?)
}

/// How many bytes the value has as JSON without blanks.
pub(crate) fn json_bytes(value: &impl Serialize) -> Result<usize, SerializeError> {
    let mut count = ByteCount::default();
    serde_json::to_writer(&mut count, value)?;
    Ok(count.bytes())
}

/// Counts what is written to it, and keeps nothing of it.
#[derive(Debug, Default)]
pub(crate) struct ByteCount(usize);

impl ByteCount {
    pub(crate) fn bytes(&self) -> usize {
        self.0
    }
}

impl Write for ByteCount {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
