//! Comments of a text.

/// A comment, without its `#`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// Where it begins, in bytes of the text.
    pub at: usize,
    /// What it says, without white space around it.
    pub text: String,
}
