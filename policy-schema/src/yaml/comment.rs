//! Comments of a text.

/// A comment, without its `#`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// The start, in bytes of the text.
    pub at: usize,
    /// The text, trimmed.
    pub text: String,
}
