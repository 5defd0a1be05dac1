//! Labels on the command line.

/// Parses a label as `NAME=VALUE`.
pub(crate) fn parse_label(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("use `NAME=VALUE`")?;
    Ok((name.to_owned(), value.to_owned()))
}
