//! Serialization to JSON and YAML.

use std::io::{self, Write};

use peergate_fault::{ExitStatus, Fault};
use policy_schema::yaml_text::{YamlTextError, yaml_text};
use serde::Serialize;
use thiserror::Error;

/// Why a result cannot be serialized.
#[derive(Debug, Error)]
pub enum SerializeError {
    /// YAML cannot represent a value.
    #[error(transparent)]
    Yaml(#[from] YamlTextError),
    /// JSON cannot represent a value.
    #[error("cannot write JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// XML cannot represent a text.
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

/// Formats a value as indented JSON with a final newline.
pub fn json(value: &impl Serialize) -> Result<Vec<u8>, SerializeError> {
    let mut json = serde_json::to_vec_pretty(value)?;
    json.push(b'\n');
    Ok(json)
}

/// Formats a value as a YAML document in `kubectl`'s style.
pub fn yaml(value: &impl Serialize) -> Result<String, SerializeError> {
    Ok(yaml_text(value)?)
}

/// The size of the value as compact JSON.
pub(crate) fn json_bytes(value: &impl Serialize) -> Result<usize, SerializeError> {
    let mut count = ByteCount::default();
    serde_json::to_writer(&mut count, value)?;
    Ok(count.bytes())
}

/// A writer that only counts bytes.
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
