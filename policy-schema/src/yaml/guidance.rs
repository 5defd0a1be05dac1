//! What a language knows of the mistakes of its writers.

/// What a language knows of the mistakes of its writers, for the help of faults.
#[derive(Clone, Copy, Debug)]
pub struct Guidance {
    /// For a field that a structure does not have, and its value if that is a scalar.
    pub unknown_field: fn(structure: &str, field: &str, value: Option<&str>) -> Option<Instead>,
    /// For a word that a field does not accept: the word of the language.
    pub word: fn(field: &str, word: &str) -> Option<&'static str>,
    /// The numbers that a field accepts, if they are fewer than those of its type.
    pub numbers: fn(field: &str) -> Option<&'static str>,
    /// For a field that is empty and needs a list.
    pub empty_list: fn(field: &str) -> Option<&'static str>,
}

/// What to write instead of an unknown field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instead {
    /// The remedy.
    pub help: String,
    /// The field of the same structure that was meant. It is then not reported as missing.
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
