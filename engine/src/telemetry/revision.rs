//! Revisions as values of a gauge.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// How many hexadecimal digits a revision has. A double holds that many bits exactly.
const DIGITS: usize = 12;

/// A policy's revision, 12 hexadecimal digits, as a number. 0 stands for a policy without a revision.
#[derive(Clone, Copy, Debug, Default, Hash, PartialEq, Eq, PartialOrd, Ord)]
pub struct RevisionNumber(u64);

/// Why a text is not a revision.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("`{0}` is not a revision: expected 12 hexadecimal digits")]
pub struct InvalidRevision(String);

impl RevisionNumber {
    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The revision in the value of a sample. A value that no gauge of revisions has becomes one that no policy has.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a value out of range is of no policy"
    )]
    pub const fn from_sample(value: f64) -> Self {
        Self(value as u64)
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
        // `from_str_radix` also accepts a sign.
        let is_revision = text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u64::from_str_radix(text, 16).ok();
        number
            .filter(|_| is_revision)
            .map(Self)
            .ok_or_else(|| InvalidRevision(text.to_owned()))
    }
}
