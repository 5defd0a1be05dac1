//! The comment at the top of a generated YAML file. It says what made the file, and holds a digest of the rest, so
//! that edited files are recognized.

use std::ops::Range;

use policy_schema::json_schema::modeline;
use policy_schema::plugin_config::hex;
use sha2::{Digest, Sha256};

/// What the line with the digest begins with.
const DIGEST: &str = "# peergate-digest: sha256:";

/// The length of a SHA-256 in hexadecimal.
const DIGEST_LEN: usize = 64;

/// The digest stands within the first lines.
const MAX_HEADER_LINES: usize = 8;

/// What a file is, by its comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Peergate wrote it, and it has not changed since.
    Unchanged,
    /// Peergate wrote it, and it has changed since.
    Changed,
    /// Peergate did not write it.
    Foreign,
}

/// A YAML text with the comment: what made it, from what, and the digest.
///
/// `purpose` is the rest of the sentence that begins with the program and its version, such as
/// `generated from policies/. Do not edit`.
pub fn with_header(purpose: &str, text: &str) -> String {
    with_header_after("", purpose, text)
}

/// The same for policy documents. The first line names their JSON Schema, for editors.
pub fn with_modeline_and_header(purpose: &str, text: &str) -> String {
    with_header_after(&modeline(), purpose, text)
}

fn with_header_after(first: &str, purpose: &str, text: &str) -> String {
    let mut generated = GeneratedText::after(first, purpose);
    generated.push_str(text);
    generated.finish()
}

/// A YAML text with the comment, written piece by piece: large texts are never copied.
#[derive(Debug)]
pub(crate) struct GeneratedText {
    /// The text, with zeros for the digest.
    text: String,
    digest: Range<usize>,
}

impl GeneratedText {
    /// Starts a text with this purpose, as for [`with_header`].
    pub(crate) fn new(purpose: &str) -> Self {
        Self::after("", purpose)
    }

    fn after(first: &str, purpose: &str) -> Self {
        let version = env!("CARGO_PKG_VERSION");
        let mut text = format!("{first}# peergate {version}: {purpose}.\n{DIGEST}");
        let start = text.len();
        text.push_str(&"0".repeat(DIGEST_LEN));
        let digest = start..text.len();
        text.push('\n');
        Self { text, digest }
    }

    /// Adds to the text.
    pub(crate) fn push_str(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// The text with its digest.
    pub(crate) fn finish(self) -> String {
        let Self { mut text, digest } = self;
        let before = text.get(..digest.start - DIGEST.len());
        let after = text.get(digest.end + 1..);
        let value = self::digest([before.unwrap_or_default(), after.unwrap_or_default()]);
        text.replace_range(digest, &value);
        text
    }
}

/// Whether the comment has this purpose, as it was given to [`with_header`].
pub fn has_purpose(content: &[u8], purpose: &str) -> bool {
    let first = content.split(|byte| *byte == b'\n').next();
    let first = first.and_then(|line| str::from_utf8(line).ok());
    let after = first.and_then(|line| line.strip_prefix("# peergate "));
    let found = after.and_then(|line| line.split_once(": "));
    found.is_some_and(|(_, found)| found.trim_end() == format!("{purpose}."))
}

/// What a file is, by its comment.
pub fn origin(content: &[u8]) -> Origin {
    let Ok(text) = str::from_utf8(content) else {
        return Origin::Foreign;
    };
    let mut start = 0;
    for line in text.split_inclusive('\n').take(MAX_HEADER_LINES) {
        let end = start + line.len();
        if let Some(expected) = line.strip_prefix(DIGEST) {
            let before = text.get(..start).unwrap_or_default();
            let after = text.get(end..).unwrap_or_default();
            return if digest([before, after]) == expected.trim_end() {
                Origin::Unchanged
            } else {
                Origin::Changed
            };
        }
        start = end;
    }
    Origin::Foreign
}

fn digest(parts: [&str; 2]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part);
    }
    hex(&digest.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PURPOSE: &str = "generated from policies/. Do not edit";
    const TEXT: &str = "a: 1\n---\nb: 2\n";

    #[test]
    fn the_modeline_is_the_first_line_and_part_of_the_digest() {
        let text = with_modeline_and_header(PURPOSE, TEXT);
        let rest = text.strip_prefix(&modeline()).unwrap();
        assert!(rest.starts_with("# peergate "), "{text}");
        assert_eq!(origin(text.as_bytes()), Origin::Unchanged);
        assert_eq!(origin(rest.as_bytes()), Origin::Changed);
    }

    #[test]
    fn an_edit_anywhere_in_a_generated_text_is_recognized() {
        let text = with_header(PURPOSE, TEXT);
        assert_eq!(origin(text.as_bytes()), Origin::Unchanged);
        for position in 0..text.len() {
            let mut edited = text.clone().into_bytes();
            edited[position] ^= 1;
            assert_ne!(origin(&edited), Origin::Unchanged, "{position}");
        }
        assert_eq!(origin(format!("{text}c: 3\n").as_bytes()), Origin::Changed);
        assert_eq!(
            origin(format!("# mine\n{text}").as_bytes()),
            Origin::Changed
        );
    }

    #[test]
    fn a_text_without_the_comment_is_foreign() {
        for text in ["", "a: 1\n", "# peergate 0.1.0: generated.\n"] {
            assert_eq!(origin(text.as_bytes()), Origin::Foreign, "{text}");
        }
    }
}
