//! What plain scalars say, by the core schema of YAML 1.2 (section 10.3.2).

use super::wording::quoted;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scalar<'a> {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text(&'a str),
}

impl<'a> Scalar<'a> {
    pub(super) fn resolve(plain: &'a str) -> Self {
        match plain {
            "" | "~" | "null" | "Null" | "NULL" => Self::Null,
            "true" | "True" | "TRUE" => Self::Bool(true),
            "false" | "False" | "FALSE" => Self::Bool(false),
            _ => integer(plain)
                .map(Self::Integer)
                .or_else(|| float(plain).map(Self::Float))
                .unwrap_or(Self::Text(plain)),
        }
    }

    /// The scalar as a message's "found", given how it is written.
    pub(super) fn describe(self, text: &str) -> String {
        match self {
            Self::Null if text.is_empty() => "nothing".to_owned(),
            Self::Null | Self::Bool(_) => quoted(text),
            Self::Integer(_) | Self::Float(_) => format!("the number {}", quoted(text)),
            Self::Text(_) => format!("the text {}", quoted(text)),
        }
    }
}

fn integer(plain: &str) -> Option<i128> {
    for (prefix, radix) in [("0o", 8), ("0x", 16)] {
        if let Some(digits) = plain.strip_prefix(prefix) {
            // `from_str_radix` takes a sign, which YAML does not allow here.
            let is_number = digits.chars().all(|digit| digit.is_digit(radix));
            return i128::from_str_radix(digits, radix)
                .ok()
                .filter(|_| is_number);
        }
    }
    plain.parse().ok()
}

fn float(plain: &str) -> Option<f64> {
    match plain {
        ".nan" | ".NaN" | ".NAN" => return Some(f64::NAN),
        _ => {}
    }
    match plain.strip_prefix(['+', '-']).unwrap_or(plain) {
        ".inf" | ".Inf" | ".INF" if plain.starts_with('-') => return Some(f64::NEG_INFINITY),
        ".inf" | ".Inf" | ".INF" => return Some(f64::INFINITY),
        _ => {}
    }
    // Within these characters, Rust's notation is that of YAML; beyond them there is `infinity`.
    let is_number = plain
        .chars()
        .all(|char| char.is_ascii_digit() || "+-.eE".contains(char));
    plain.parse().ok().filter(|_| is_number)
}
