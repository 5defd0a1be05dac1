//! Edits of policy texts.

use peergate_fault::{ExitStatus, Fault};
use policy_schema::diagnostic::{Diagnostic, SourceText};
use policy_schema::edit::{EditError, PolicyText};
use policy_schema::validate::{Options, validate};
use thiserror::Error;

/// A text cannot be edited safely.
#[derive(Debug, Error)]
#[error("cannot edit `{name}`: {reason}")]
pub struct NotEditable {
    name: String,
    reason: EditError,
}

impl NotEditable {
    /// Creates an error about the text with this name.
    pub fn new(name: &str, reason: EditError) -> Self {
        Self {
            name: name.to_owned(),
            reason,
        }
    }
}

impl Fault for NotEditable {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        Some(
            "remove `enforcement: Shadow` there by hand, or select policies and rules with `--policy` and `--rule`",
        )
    }
}

/// Edited texts that do not validate.
#[derive(Debug)]
pub struct InvalidEdit {
    /// The edited texts.
    pub texts: Vec<SourceText>,
    /// The diagnostics.
    pub diagnostics: Vec<Diagnostic>,
}

/// Why the filter image cannot be set.
#[derive(Debug)]
pub enum NoFilterImage {
    /// There is no text.
    NoText,
    /// The text cannot be edited.
    NotWritable {
        /// The name of the text.
        name: String,
        /// The reason.
        reason: EditError,
    },
    /// The edited texts are invalid, or have a different image.
    InvalidEdit(InvalidEdit),
}

/// Sets the filter image in the `Mesh` and keeps everything else. Returns the text of the `Mesh` and the edited text.
pub fn with_filter_image<'s>(
    sources: &'s [SourceText],
    image: &str,
    options: Options,
) -> Result<(&'s SourceText, String), NoFilterImage> {
    let has_mesh =
        |source: &SourceText| PolicyText::parse(&source.text).is_ok_and(|text| text.has_mesh());
    let position = sources.iter().position(has_mesh).unwrap_or_default();
    let source = sources.get(position).ok_or(NoFilterImage::NoText)?;
    let changed = PolicyText::parse(&source.text)
        .and_then(|text| text.apply(text.set_filter_image(image)?))
        .map_err(|reason| NoFilterImage::NotWritable {
            name: source.name.clone(),
            reason,
        })?;
    let mut texts = sources.to_vec();
    if let Some(text) = texts.get_mut(position) {
        text.text.clone_from(&changed);
    }
    let validated = validate(&texts, options);
    let set = validated.policies.as_ref();
    if set.and_then(|set| set.mesh().filter_image()) == Some(image) {
        return Ok((source, changed));
    }
    Err(NoFilterImage::InvalidEdit(InvalidEdit {
        texts,
        diagnostics: validated.diagnostics,
    }))
}
