//! Help for common mistakes.

/// Help for common mistakes in documents of one language.
#[derive(Clone, Copy, Debug)]
pub struct Guidance {
    /// The replacement for an unknown field of a struct. `value` is its value if that is a scalar.
    pub unknown_field: fn(structure: &str, field: &str, value: Option<&str>) -> Option<Instead>,
    /// The accepted word that corresponds to an unknown word.
    pub word: fn(field: &str, word: &str) -> Option<&'static str>,
    /// The numbers that a field accepts, if the range is narrower than its type.
    pub numbers: fn(field: &str) -> Option<&'static str>,
    /// The help for an empty field that requires a list.
    pub empty_list: fn(field: &str) -> Option<&'static str>,
}

/// The replacement for an unknown field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instead {
    /// The help text.
    pub help: String,
    /// The intended field of the same struct. It is then not reported as missing.
    pub field: Option<&'static str>,
}

impl Default for Guidance {
    fn default() -> Self {
        Self {
            unknown_field: |_, _, _| None,
            word: |_, _| None,
            numbers: |_| None,
            empty_list: |_| None,
        }
    }
}
