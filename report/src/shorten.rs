//! Texts that are longer than the room for them.

use unicode_width::UnicodeWidthStr;

const ELLIPSIS: char = '…';

/// How many columns of a terminal a text takes.
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// The text with its middle left out: names that begin alike end differently.
pub(crate) fn middle(text: &str, room: usize) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let Some(kept) = room.checked_sub(1) else {
        return String::new();
    };
    let head = beginning(text, kept / 2);
    let reversed: String = text.chars().rev().collect();
    let tail = beginning(&reversed, kept - width(&head));
    let tail: String = tail.chars().rev().collect();
    format!("{head}{ELLIPSIS}{tail}")
}

/// The text without its end.
pub(crate) fn end(text: &str, room: usize) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    match room.checked_sub(1) {
        Some(kept) => beginning(text, kept) + ELLIPSIS.encode_utf8(&mut [0; 4]),
        None => String::new(),
    }
}

/// The text without its last words, so that no number in it loses digits.
pub fn words(text: &str, room: usize) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let ends = text.char_indices().filter(|(_, char)| *char == ' ');
    let fitting = ends
        .filter_map(|(end, _)| text.get(..end))
        .take_while(|words| width(words) + 2 <= room)
        .last();
    match fitting {
        Some(words) => format!("{words} {ELLIPSIS}"),
        None => middle(text, room),
    }
}

fn beginning(text: &str, room: usize) -> String {
    let mut taken = 0;
    let characters = text.chars().take_while(|char| {
        taken += width(char.encode_utf8(&mut [0; 4]));
        taken <= room
    });
    characters.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_middle() {
        for (text, room, shown) in [
            ("shop/cart", 9, "shop/cart"),
            ("shop/cart-service-number-12", 12, "shop/…ber-12"),
            ("abcdef", 5, "ab…ef"),
            ("abcdef", 4, "a…ef"),
            ("abcdef", 2, "…f"),
            ("abcdef", 1, "…"),
            ("abcdef", 0, ""),
            // Each of these takes two columns.
            ("買い物かご", 7, "買…かご"),
            ("買い物かご", 6, "買…ご"),
        ] {
            assert_eq!(middle(text, room), shown, "{text} {room}");
            assert!(width(&middle(text, room)) <= room, "{text} {room}");
        }
    }

    #[test]
    fn remarks_lose_their_end() {
        for (text, room, shown) in [
            ("no-rule-matched", 15, "no-rule-matched"),
            ("no-rule-matched", 8, "no-rule…"),
            ("買い物かご", 4, "買…"),
            ("x", 0, ""),
        ] {
            assert_eq!(end(text, room), shown, "{text} {room}");
        }
    }

    #[test]
    fn sentences_lose_whole_words() {
        for (text, room, shown) in [
            ("1 proxy, 123456 configs", 23, "1 proxy, 123456 configs"),
            ("1 proxy, 123456 configs", 22, "1 proxy, 123456 …"),
            ("1 proxy, 123456 configs", 16, "1 proxy, …"),
            ("http://prometheus:9090: 1 proxy", 12, "http:…proxy"),
        ] {
            let shortened = words(text, room);
            assert!(width(&shortened) <= room, "{shortened}");
            if !text.starts_with("http") {
                assert_eq!(shortened, shown, "{room}");
            }
        }
    }
}
