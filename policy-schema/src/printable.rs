//! Sanitizes untrusted text for terminals.

use std::borrow::Cow;

/// The text on one line, with everything but plain ASCII escaped. Text from a client or a metric's
/// label must not control a terminal, or change the reading direction.
pub fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii_graphic() || character == ' ' {
            printable.push(character);
        } else {
            printable.extend(character.escape_unicode());
        }
    }
    printable
}

/// The maximum number of bytes of one text to show.
const MAX_SHOWN: usize = 256;

/// The text, or its start if it is long: clients choose the length of paths and names.
pub fn clipped(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_SHOWN {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(MAX_SHOWN);
    // Plain ASCII, so that it is not escaped.
    Cow::Owned(format!("{}...", text.get(..end).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_clipped_between_characters() {
        assert_eq!(clipped("a"), "a");
        assert_eq!(clipped(&"a".repeat(256)), "a".repeat(256));
        assert_eq!(clipped(&"é".repeat(129)), "é".repeat(128) + "...");
        assert_eq!(
            clipped(&("a".to_owned() + &"é".repeat(200))),
            "a".to_owned() + &"é".repeat(127) + "..."
        );
    }

    #[test]
    fn clipped_text_is_printable() {
        let shown = printable(&clipped(&"a".repeat(300)));
        assert_eq!(shown, "a".repeat(256) + "...");
    }

    #[test]
    fn escapes_terminal_control_characters() {
        for (text, shown) in [
            ("GET /cart ~", "GET /cart ~"),
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("a\nb\tc\r", "a\\u{a}b\\u{9}c\\u{d}"),
            ("\u{7f}\u{9b}", "\\u{7f}\\u{9b}"),
            ("\u{202e}nimda", "\\u{202e}nimda"),
            ("\u{200b}\u{2066}\u{feff}", "\\u{200b}\\u{2066}\\u{feff}"),
            ("\u{05d0}", "\\u{5d0}"),
        ] {
            assert_eq!(printable(text), shown);
        }
    }
}
