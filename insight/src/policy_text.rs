//! Texts with policies that are changed.

use peergate_fault::{ExitStatus, Fault};
use policy_schema::diagnostic::{Diagnostic, SourceText};
use policy_schema::edit::{EditError, PolicyText};
use policy_schema::validate::{Options, validate};
use thiserror::Error;

/// A text cannot be changed safely.
#[derive(Debug, Error)]
#[error("`{name}` is not changed: {reason}")]
pub struct NotEditable {
    name: String,
    reason: EditError,
}

impl NotEditable {
    /// The text of this name, and why.
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
            "remove `enforcement: Shadow` there by hand, or choose what to change with `--policy` and `--rule`",
        )
    }
}

/// Texts that, once changed, are no sound policies.
#[derive(Debug)]
pub struct Unsound {
    /// The texts as they would be.
    pub texts: Vec<SourceText>,
    /// What is wrong with them.
    pub diagnostics: Vec<Diagnostic>,
}

/// Why the `Mesh` does not name an image.
#[derive(Debug)]
pub enum NoFilterImage {
    /// There is no text.
    NoText,
    /// The image cannot be written into the text.
    NotWritable {
        /// The text's name.
        name: String,
        /// Why it cannot.
        reason: EditError,
    },
    /// With the image, the texts are not valid, or mean another one.
    Unsound(Unsound),
}

/// Names an image of the filter in the `Mesh` of these texts, and leaves all else as it is: the text that has the `Mesh`,
/// and what it is with the image.
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
    Err(NoFilterImage::Unsound(Unsound {
        texts,
        diagnostics: validated.diagnostics,
    }))
}
