//! Random lists and patterns.

use std::fmt;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Usually few values; sometimes enough to be indexed by the engine.
pub(super) fn list<V: fmt::Debug>(
    value: impl Strategy<Value = V>,
) -> impl Strategy<Value = Vec<V>> {
    let length = prop_oneof![8 => 1..4usize, 1 => 4..9usize, 1 => 9..14usize];
    (length, vec(value, 14)).prop_map(|(length, mut values)| {
        values.truncate(length);
        values
    })
}

/// A text from the alphabet, or a prefix or suffix of any length, as a pattern.
pub(super) fn pattern(texts: &'static [&'static str]) -> impl Strategy<Value = String> + Clone {
    let cut = (select(texts), any::<Index>(), 0..8u8);
    cut.prop_map(|(text, index, kind)| {
        let at = 1 + index.index(text.len());
        match kind {
            0 => "*".to_owned(),
            1 | 2 => format!("{}*", &text[..at]),
            3 | 4 => format!("*{}", &text[at - 1..]),
            _ => text.to_owned(),
        }
    })
}
