//! The values of plain scalars: by the core schema of YAML 1.2 (section 10.3.2), or like `kubectl`,
//! with the words and numbers of YAML 1.1 (`sigs.k8s.io/yaml`, `resolve.go`).

use super::form::Form;
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
    pub(super) fn resolve(text: &'a str, form: Form) -> Self {
        match (form, text) {
            (Form::Text, _) => Self::Text(text),
            (_, "" | "~" | "null" | "Null" | "NULL") => Self::Null,
            (_, "true" | "True" | "TRUE") => Self::Bool(true),
            (_, "false" | "False" | "FALSE") => Self::Bool(false),
            (Form::Core, _) => integer(text)
                .map(Self::Integer)
                .or_else(|| float(text).map(Self::Float))
                .unwrap_or(Self::Text(text)),
            (Form::Kubernetes, _) => match text {
                "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Self::Bool(true),
                "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Self::Bool(false),
                _ => go_number(text).unwrap_or(Self::Text(text)),
            },
        }
    }

    /// The scalar for the "found" part of a message.
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
            // `from_str_radix` accepts a sign, which YAML does not allow here.
            let is_number = digits.chars().all(|digit| digit.is_digit(radix));
            return i128::from_str_radix(digits, radix)
                .ok()
                .filter(|_| is_number);
        }
    }
    plain.parse().ok()
}

/// Parses a number like `strconv.ParseInt` with base 0, or else as a float. Underscores are allowed
/// anywhere.
fn go_number<'a>(plain: &str) -> Option<Scalar<'a>> {
    if !plain.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first)) {
        return None;
    }
    let plain = plain.replace('_', "");
    let unsigned = plain.strip_prefix(['+', '-']).unwrap_or(&plain);
    let lower = unsigned.to_ascii_lowercase();
    let prefixes = [("0x", 16), ("0o", 8), ("0b", 2), ("0", 8), ("", 10)];
    let (digits, radix) = prefixes.into_iter().find_map(|(prefix, radix)| {
        let digits = lower.strip_prefix(prefix)?;
        Some((digits, radix)).filter(|(digits, _)| !digits.is_empty())
    })?;
    let is_number = digits.chars().all(|digit| digit.is_digit(radix));
    match i128::from_str_radix(digits, radix) {
        Ok(value) if is_number => {
            let value = if plain.starts_with('-') {
                -value
            } else {
                value
            };
            let range = i128::from(i64::MIN)..=i128::from(u64::MAX);
            Some(Scalar::Integer(value)).filter(|_| range.contains(&value))
        }
        _ => float(&plain).map(Scalar::Float),
    }
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
    // For these characters, Rust's notation equals YAML's. Otherwise `infinity` would be accepted.
    let is_number = plain
        .chars()
        .all(|char| char.is_ascii_digit() || "+-.eE".contains(char));
    // An out-of-range number is text, as in `kubectl`: digests can look like `483478e42890`.
    plain
        .parse()
        .ok()
        .filter(|value: &f64| is_number && value.is_finite())
}
