//! Revisions of policies, as text and as gauge values.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The number of hexadecimal digits in a revision, which fit in a double without loss.
const DIGITS: usize = 12;

/// A policy's revision, 12 hexadecimal digits, as a number. 0 means that the policy has no
/// revision.
#[derive(Clone, Copy, Debug, Default, Hash, PartialEq, Eq, PartialOrd, Ord)]
pub struct RevisionNumber(u64);

/// A text that is not a revision.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("`{0}` is not a revision: expected 12 hexadecimal digits")]
pub struct InvalidRevision(String);

impl RevisionNumber {
    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The revision from the first bytes of a digest.
    pub fn from_digest(digest: &[u8]) -> Self {
        let bytes = digest.iter().take(DIGITS / 2);
        Self(bytes.fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// The revision in a sample; `None` if the value is not a revision.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a value out of range becomes a distinct one"
    )]
    pub fn from_sample(value: f64) -> Option<Self> {
        let number = value as u64;
        let is_whole = value >= 0.0 && value.fract() == 0.0;
        (is_whole && number >> (4 * DIGITS) == 0).then_some(Self(number))
    }

    /// The text of a sample: the revision, or the number itself if it is not a revision.
    pub fn sample_text(value: f64) -> String {
        match Self::from_sample(value) {
            Some(revision) => revision.to_string(),
            None => value.to_string(),
        }
    }
}

impl fmt::Display for RevisionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0DIGITS$x}", self.0)
    }
}

impl FromStr for RevisionNumber {
    type Err = InvalidRevision;

    fn from_str(text: &str) -> Result<Self, InvalidRevision> {
        // `from_str_radix` also accepts a sign and upper case.
        let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let is_revision = text.len() == DIGITS && text.bytes().all(is_digit);
        let number = u64::from_str_radix(text, 16).ok();
        number
            .filter(|_| is_revision)
            .map(Self)
            .ok_or_else(|| InvalidRevision(text.to_owned()))
    }
}
