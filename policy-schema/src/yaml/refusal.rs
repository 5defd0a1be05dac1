//! Diagnostics for YAML that the language does not accept.

use granit_parser::ErrorKind;

use super::anchors::Unresolved;
use super::wording::quoted;
use super::{Fault, Span};
use crate::code::{self, Code};

/// A syntax error. The parser stopped at `word`.
pub(super) fn syntax(error: &ErrorKind, word: &str, span: Span) -> Fault {
    let info = error.to_string();
    let help = syntax_help(&info, word);
    fault(code::YAML_SYNTAX, span, info, help)
}

/// A value that is nested too deeply.
pub(super) fn nested_too_deep(max_depth: usize, span: Span) -> Fault {
    fault(
        code::YAML_FEATURE,
        span,
        format!("the value is nested more than {max_depth} levels deep"),
        "use fewer levels",
    )
}

/// A merge key in the strict dialect.
pub(super) fn merge_key(span: Span) -> Fault {
    fault(
        code::YAML_FEATURE,
        span,
        "merge keys are not accepted",
        "write the fields out where they are used",
    )
}

/// A duplicate key.
pub(super) fn repeated_key(key: &str, first_line: usize, span: Span) -> Fault {
    fault(
        code::DUPLICATE_KEY,
        span,
        format!("{} is already set on line {first_line}", quoted(key)),
        "keep one of the two",
    )
}

/// A key that is not text.
pub(super) fn collection_as_key(span: Span) -> Fault {
    fault(
        code::YAML_FEATURE,
        span,
        "a list or mapping is used as a key",
        "use text as the key; text that contains brackets needs quotes",
    )
}

/// An alias in the strict dialect.
pub(super) fn alias(written: &str, span: Span) -> Fault {
    fault(
        code::YAML_FEATURE,
        span,
        format!("{} is a YAML alias", quoted(written)),
        "write the value out; text that starts with `*` needs quotes",
    )
}

/// An alias that cannot be resolved.
pub(super) fn unresolved_alias(why: Unresolved, written: &str, span: Span) -> Fault {
    let name = quoted(written);
    let (message, help) = match why {
        Unresolved::NoValue => (
            format!("the alias {name} has no anchor before it"),
            "write the value out; text that starts with `*` needs quotes",
        ),
        Unresolved::TooMany => (
            format!("with {name}, the aliases expand to too many values"),
            "write the values out",
        ),
    };
    fault(code::YAML_FEATURE, span, message, help)
}

/// An anchor in the strict dialect.
pub(super) fn anchor(written: &str, span: Span) -> Fault {
    fault(
        code::YAML_FEATURE,
        span,
        format!("{} is a YAML anchor", quoted(written)),
        "write the value out where it is used; text that starts with `&` needs quotes",
    )
}

/// A tag that is not supported, or that changes the value.
pub(super) fn tag(written: &str, span: Span) -> Fault {
    fault(
        code::YAML_FEATURE,
        span,
        format!("{} is a YAML tag", quoted(written)),
        "remove the tag; text that starts with `!` needs quotes",
    )
}

/// Quoted text that continues on a line where it looks like a field.
pub(super) fn dedented_text(span: Span) -> Fault {
    fault(
        code::YAML_SYNTAX,
        span,
        "quoted text continues at the indentation of its field",
        "indent the lines of quoted text deeper than the field",
    )
}

fn fault(code: Code, span: Span, message: impl Into<String>, help: impl Into<String>) -> Fault {
    Fault {
        code,
        span,
        message: message.into(),
        help: help.into(),
    }
}

/// The fix for a syntax error, from the parser's message and the word where it stopped.
fn syntax_help(info: &str, word: &str) -> String {
    if let Some(indicator) = word
        .chars()
        .next()
        .filter(|char| "*&!@`%|>".contains(*char))
    {
        format!("text that starts with `{indicator}` needs quotes")
    } else if info.contains("unprintable") {
        "remove the character, or escape it in double quotes".to_owned()
    } else if info.contains("tab") {
        "indent with spaces".to_owned()
    } else if info.contains("quoted scalar") {
        "close the quotes, and write a backslash in double quotes as `\\\\`".to_owned()
    } else if info.contains("mapping values") {
        "text that contains a colon and a space needs quotes".to_owned()
    } else if ["flow", "bracket", "illegal placement"]
        .iter()
        .any(|word| info.contains(word))
    {
        "check the brackets and commas of this list or mapping".to_owned()
    } else {
        "check the indentation and the colons of this line and the one before".to_owned()
    }
}
