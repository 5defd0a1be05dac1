//! Search for short texts.
//!
//! The standard library searches in linear time for texts of any length. That takes 4 KB of code,
//! and preparations that take longer than a search for a few characters.

/// The position of the first `part` in `text`, in bytes. Takes time proportional to both lengths
/// multiplied, so `part` must be short.
pub(crate) fn find(text: &str, part: &str) -> Option<usize> {
    let part = part.as_bytes();
    text.as_bytes()
        .windows(part.len().max(1))
        .position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_the_standard_library_finds() {
        for text in [
            "",
            "/",
            "//",
            "a//",
            "/ns/",
            "x/ns/a/ns/",
            "/n/ns",
            "ä/ns/ä",
            "//ns//ns/",
        ] {
            for part in ["/", "//", "/ns/", "://", "ä"] {
                assert_eq!(find(text, part), text.find(part), "{text} {part}");
            }
        }
    }
}
