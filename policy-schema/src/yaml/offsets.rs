//! Byte offsets of characters that are known by number.

/// How many characters lie between two offsets that are kept: few enough to walk, and enough to
/// keep the table small.
const STRIDE: usize = 64;

/// The YAML scanner counts characters, and spans count bytes.
pub(super) struct Offsets<'a> {
    text: &'a str,
    kept: Vec<usize>,
}

impl<'a> Offsets<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let every = text.char_indices().step_by(STRIDE);
        Self {
            text,
            kept: every.map(|(offset, _)| offset).collect(),
        }
    }

    /// The offset of character number `index`, or the end of the text if it has fewer.
    pub(super) fn byte(&self, index: usize) -> usize {
        let offset = || {
            let kept = *self.kept.get(index / STRIDE)?;
            let mut rest = self.text.get(kept..)?.char_indices();
            Some(kept + rest.nth(index % STRIDE)?.0)
        };
        offset().unwrap_or(self.text.len())
    }
}
