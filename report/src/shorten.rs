//! Shortens texts to a terminal width.

use unicode_width::UnicodeWidthStr;

const ELLIPSIS: char = '…';

/// The width of a text in terminal columns.
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// Elides the middle of a name: names with the same start differ at the end.
pub(crate) fn middle(text: &str, max_width: usize) -> String {
    if width(text) <= max_width {
        return text.to_owned();
    }
    let Some(kept) = max_width.checked_sub(1) else {
        return String::new();
    };
    let head = beginning(text, kept / 2);
    let reversed: String = text.chars().rev().collect();
    let tail = beginning(&reversed, kept - width(&head));
    let tail: String = tail.chars().rev().collect();
    format!("{head}{ELLIPSIS}{tail}")
}

/// Elides the end of a text.
pub(crate) fn end(text: &str, max_width: usize) -> String {
    if width(text) <= max_width {
        return text.to_owned();
    }
    match max_width.checked_sub(1) {
        Some(kept) => beginning(text, kept) + ELLIPSIS.encode_utf8(&mut [0; 4]),
        None => String::new(),
    }
}

/// Elides the last words of a text, so that no number loses digits.
pub fn words(text: &str, max_width: usize) -> String {
    if width(text) <= max_width {
        return text.to_owned();
    }
    let ends = text.char_indices().filter(|(_, char)| *char == ' ');
    let fitting = ends
        .filter_map(|(end, _)| text.get(..end))
        .take_while(|words| width(words) + 2 <= max_width)
        .last();
    match fitting {
        Some(words) => format!("{words} {ELLIPSIS}"),
        None => middle(text, max_width),
    }
}

fn beginning(text: &str, max_width: usize) -> String {
    let mut taken = 0;
    let characters = text.chars().take_while(|char| {
        taken += width(char.encode_utf8(&mut [0; 4]));
        taken <= max_width
    });
    characters.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn middle_elides_the_middle() {
        for (text, max_width, shown) in [
            ("shop/cart", 9, "shop/cart"),
            ("shop/cart-service-number-12", 12, "shop/…ber-12"),
            ("abcdef", 5, "ab…ef"),
            ("abcdef", 4, "a…ef"),
            ("abcdef", 2, "…f"),
            ("abcdef", 1, "…"),
            ("abcdef", 0, ""),
            // Each of these characters is two columns wide.
            ("買い物かご", 7, "買…かご"),
            ("買い物かご", 6, "買…ご"),
        ] {
            assert_eq!(middle(text, max_width), shown, "{text} {max_width}");
            assert!(
                width(&middle(text, max_width)) <= max_width,
                "{text} {max_width}"
            );
        }
    }

    #[test]
    fn end_elides_the_end() {
        for (text, max_width, shown) in [
            ("no-rule-matched", 15, "no-rule-matched"),
            ("no-rule-matched", 8, "no-rule…"),
            ("買い物かご", 4, "買…"),
            ("x", 0, ""),
        ] {
            assert_eq!(end(text, max_width), shown, "{text} {max_width}");
        }
    }

    #[test]
    fn words_elides_whole_words() {
        for (text, max_width, shown) in [
            ("1 proxy, 123456 configs", 23, "1 proxy, 123456 configs"),
            ("1 proxy, 123456 configs", 22, "1 proxy, 123456 …"),
            ("1 proxy, 123456 configs", 16, "1 proxy, …"),
            ("http://prometheus:9090: 1 proxy", 12, "http:…proxy"),
        ] {
            let shortened = words(text, max_width);
            assert!(width(&shortened) <= max_width, "{shortened}");
            if !text.starts_with("http") {
                assert_eq!(shortened, shown, "{max_width}");
            }
        }
    }
}
