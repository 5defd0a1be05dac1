//! Serializes values to YAML.

use serde::Serialize;
use thiserror::Error;

/// A value that cannot be serialized to YAML.
#[derive(Debug, Error)]
#[error("cannot write YAML: {0}")]
pub struct YamlTextError(#[from] serde_saphyr::ser_error::Error);

/// The value as a YAML document, in the format of `kubectl`. It ends with a line break.
pub fn yaml_text(value: &impl Serialize) -> Result<String, YamlTextError> {
    // Multi-line strings become blocks, and long lines are never folded.
    let options = serde_saphyr::ser_options! { folded_wrap_chars: usize::MAX };
    let mut yaml = serde_saphyr::to_string_with_options(value, options)?;
    if !yaml.ends_with('\n') {
        yaml.push('\n');
    }
    Ok(yaml)
}
