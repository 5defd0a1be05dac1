//! Values that learning mode observes, encoded in labels.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A caller, method or path in a label of learning mode.
///
/// Letters, digits and `-` represent themselves; every other byte is encoded as `_` and two
/// hexadecimal digits. A text that is empty or `-` is indistinguishable from an absent one, and
/// `-other-` from [`Other`](Self::Other).
#[derive(Clone, Debug, Hash, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObservedValue {
    /// The request does not have the attribute.
    Absent,
    /// The value of the attribute.
    Text(Vec<u8>),
    /// One of many values for which the proxy had no series left.
    Other,
}

/// A text that is not the encoding of an observed value.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("`{0}` is not the encoding of an observed value")]
pub struct InvalidEncoding(String);

impl ObservedValue {
    /// The label of an absent value.
    pub const ABSENT: &'static str = "-";

    /// The label of values beyond the limit on series.
    pub const OTHER: &'static str = "-other-";

    /// Encodes a value.
    pub fn label(text: Option<&[u8]>) -> String {
        match text {
            Some(text) => encoded(text),
            None => Self::ABSENT.to_owned(),
        }
    }

    /// Decodes a label. An invalid encoding is returned as it is.
    pub fn from_label(label: &str) -> Self {
        label
            .parse()
            .unwrap_or_else(|_| Self::Text(label.as_bytes().to_vec()))
    }

    /// The text, with replacement characters for invalid UTF-8; `None` if it is absent or unknown.
    pub fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) => Some(String::from_utf8_lossy(text)),
            Self::Absent | Self::Other => None,
        }
    }
}

impl fmt::Display for ObservedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str(Self::ABSENT),
            Self::Text(text) => f.write_str(&encoded(text)),
            Self::Other => f.write_str(Self::OTHER),
        }
    }
}

impl FromStr for ObservedValue {
    type Err = InvalidEncoding;

    fn from_str(label: &str) -> Result<Self, InvalidEncoding> {
        match label {
            // Prometheus returns an empty text for a missing label.
            "" | Self::ABSENT => Ok(Self::Absent),
            Self::OTHER => Ok(Self::Other),
            _ => decoded(label)
                .map(Self::Text)
                .ok_or_else(|| InvalidEncoding(label.to_owned())),
        }
    }
}

fn encoded(text: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len() + 16);
    for &byte in text {
        if is_plain(byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('_');
            for digit in [byte >> 4, byte & 15] {
                encoded.extend(char::from_digit(u32::from(digit), 16));
            }
        }
    }
    encoded
}

/// The bytes that [`encoded`] encodes as `text`, if there are any.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'_' => {
                let mut digit = || match bytes.next()? {
                    digit @ b'0'..=b'9' => Some(digit - b'0'),
                    digit @ b'a'..=b'f' => Some(digit - b'a' + 10),
                    _ => None,
                };
                let (high, low) = (digit()?, digit()?);
                Some(high << 4 | low).filter(|byte| !is_plain(*byte))?
            }
            byte => Some(byte).filter(|byte| is_plain(*byte))?,
        });
    }
    Some(decoded)
}

/// Whether a byte represents itself.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}
