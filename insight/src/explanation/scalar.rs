//! YAML scalars.

/// Formats a text as a YAML scalar: plain if it is unambiguous, else quoted.
pub fn scalar(text: &str) -> String {
    let is_plain = text.starts_with(|char: char| char.is_ascii_alphabetic() || char == '/')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'.' | b'-'));
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    if is_plain && !words.contains(&text.to_ascii_lowercase().as_str()) {
        text.to_owned()
    } else {
        serde_json::Value::from(text).to_string()
    }
}
