use super::*;

#[test]
fn parses_stars_in_istios_order() {
    let cases = [
        ("*", TextMatch::Any),
        ("a", TextMatch::Exact("a".into())),
        ("a*", TextMatch::Prefix("a".into())),
        ("*a", TextMatch::Suffix("a".into())),
    ];
    for (pattern, expected) in cases {
        let read = TextMatch::parse(pattern).unwrap();
        assert_eq!(read, expected, "{pattern}");
        assert_eq!(read.to_string(), pattern);
    }
}

#[test]
fn rejects_misplaced_stars() {
    for pattern in ["**", "***", "a*b", "*a*", "a**", "**a", "a*b*", "*a*b"] {
        assert_eq!(TextMatch::parse(pattern), Err(InvalidWildcard), "{pattern}");
    }
}

#[test]
fn patterns_match_exactly_their_texts() {
    let cases: [(&str, &[&str], &[&str]); 8] = [
        ("*", &["a", "*", " "], &[""]),
        ("ab", &["ab"], &["", "a", "abc", "xab", "AB", "ab "]),
        (
            "ab*",
            &["ab", "abc", "ab*", "abab"],
            &["", "a", "xab", "AB"],
        ),
        (
            "*ab",
            &["ab", "xab", "*ab", "abab"],
            &["", "b", "abx", "AB"],
        ),
        ("/", &["/"], &["", "//"]),
        ("é*", &["é", "éa"], &["e", ""]),
        // Metacharacters of other pattern languages are literal.
        ("a.c", &["a.c"], &["abc"]),
        ("a?", &["a?"], &["a", "ab"]),
    ];
    for (pattern, matching, others) in cases {
        let read = TextMatch::parse(pattern).unwrap();
        for text in matching {
            assert!(read.matches(text.as_bytes()), "{pattern} on {text:?}");
        }
        for text in others {
            assert!(!read.matches(text.as_bytes()), "{pattern} on {text:?}");
        }
    }
    assert!(TextMatch::Any.matches(b"\xff"));
    let prefix = TextMatch::parse("a*").unwrap();
    assert!(prefix.matches(b"a\xff"), "attributes need not be UTF-8");
}

#[test]
fn ignores_only_ascii_case() {
    let cases: [(&str, &[&str], &[&str]); 5] = [
        ("*", &["a"], &[""]),
        ("a.b", &["a.b", "A.B", "a.B"], &["", "a", "a.bc", "xa.b"]),
        ("a.b*", &["A.Bx", "a.b"], &["", "a", "A.", "xa.b"]),
        ("*a.b", &["xA.B", "a.b"], &["", "b", ".b", "a.bx"]),
        ("k*", &["K"], &["\u{212a}", "[", "+"]),
    ];
    for (pattern, matching, others) in cases {
        let read = TextMatch::parse(pattern).unwrap();
        for text in matching {
            let is_match = read.matches_ignoring_case(text.as_bytes());
            assert!(is_match, "{pattern} on {text:?}");
        }
        for text in others {
            let is_match = read.matches_ignoring_case(text.as_bytes());
            assert!(!is_match, "{pattern} on {text:?}");
        }
    }
}
