use super::*;

#[test]
fn parses_braced_stars_as_a_template() {
    for pattern in ["/", "/a", "/a*", "*a", "*"] {
        let read = PathMatch::parse(pattern).unwrap();
        assert!(matches!(read, PathMatch::Text(_)), "{pattern}");
        assert_eq!(read.to_string(), pattern);
    }
    for pattern in ["/{*}", "/{**}", "/a/{*}/b/{**}/c/d"] {
        let read = PathMatch::parse(pattern).unwrap();
        assert!(matches!(read, PathMatch::Template(_)), "{pattern}");
        assert_eq!(read.to_string(), pattern);
    }
}

#[test]
fn rejects_invalid_templates_with_the_reason() {
    use InvalidTemplate::{Character, OperatorAfterRest, PartialSegment, Relative};
    let cases = [
        ("{*}", Relative),
        ("{**}/a", Relative),
        ("a/{*}", Relative),
        ("*/{*}", Relative),
        ("/a{*}", PartialSegment),
        ("/{*}a", PartialSegment),
        ("/{*}{*}", PartialSegment),
        ("/{*}{**}", PartialSegment),
        ("/a/b{**}", PartialSegment),
        ("/{**}/a{*}", PartialSegment),
        ("/{**}/{*}", OperatorAfterRest),
        ("/{**}/{**}", OperatorAfterRest),
        ("/{**}/a/{*}", OperatorAfterRest),
        ("/{*}/a*", Character),
        ("/{*}/*", Character),
        ("/*/{*}", Character),
        ("/{*}/{x}", Character),
        ("/{*}/{***}", Character),
        ("/{*}/a?b", Character),
        ("/{*}/a#b", Character),
        ("/{*}/a b", Character),
        ("/{*}/é", Character),
        ("/{**}/[a]", Character),
    ];
    for (template, expected) in cases {
        let expected = Err(InvalidPath::Template(expected));
        assert_eq!(PathMatch::parse(template), expected, "{template}");
    }
}

#[test]
fn rejects_other_braces_like_istio() {
    for pattern in ["/a/{id}", "/a/{", "/a}*", "*{x}", "/{***}", "/{}", "/{* }"] {
        let expected = Err(InvalidPath::Template(InvalidTemplate::Brace));
        assert_eq!(PathMatch::parse(pattern), expected, "{pattern}");
    }
}

#[test]
fn accepts_an_empty_segment_only_at_the_end() {
    for template in [
        "//{*}", "/a//{*}", "/{*}//", "/{*}//a", "/{**}//a", "/{**}//",
    ] {
        let expected = Err(InvalidPath::Template(InvalidTemplate::EmptySegment));
        assert_eq!(PathMatch::parse(template), expected, "{template}");
    }
    for template in ["/{*}/", "/{**}/", "/a/{*}/"] {
        assert!(PathMatch::parse(template).is_ok(), "{template}");
    }
}

#[test]
fn templates_match_like_envoy() {
    let cases: [(&str, &[&str], &[&str]); 12] = [
        (
            "/{*}",
            &["/a", "/a.b"],
            &["", "/", "//", "/a/", "/a/b", "a"],
        ),
        ("/{**}", &["/", "/a", "/a/b", "//", "/a/"], &["", "a"]),
        (
            "/a/{*}",
            &["/a/b"],
            &["/a", "/a/", "/a/b/", "/a/b/c", "/b/b"],
        ),
        (
            "/a/{**}",
            &["/a/", "/a/b/c", "/a//"],
            &["/a", "/ab", "/ab/c"],
        ),
        (
            "/store/{**}/cart",
            &[
                "/store//cart",
                "/store/x/cart",
                "/store/x/y/cart",
                "/store//x//cart",
            ],
            &[
                "/store/cart",
                "/store/xcart",
                "/store/x/cart/",
                "/storecart",
            ],
        ),
        (
            "/foo/{*}/x",
            &["/foo/a/x"],
            &["/foo//x", "/foo/a/b/x", "/foo/x", "/foo/a/xy"],
        ),
        ("/{*}/{*}", &["/a/b"], &["/a", "/a/", "//b", "/a/b/c"]),
        ("/{*}/{**}", &["/a/", "/a/b/c"], &["/a", "//", "//a"]),
        (
            "/{*}/a/{**}/b",
            &["/x/a//b", "/x/a/y/b"],
            &["/x/a/b", "/a/b"],
        ),
        ("/{*}/", &["/a/"], &["/a", "//", "/a//"]),
        ("/{**}/", &["//", "/a/", "/a/b/"], &["/", "/a"]),
        ("/{**}/a/b", &["//a/b", "/a/b/a/b"], &["/a/b", "/a/b/"]),
    ];
    for (template, matching, others) in cases {
        let read = PathMatch::parse(template).unwrap();
        for path in matching {
            assert!(
                read.matches(path.as_bytes(), Reading::Narrow),
                "{template} on {path:?}"
            );
        }
        for path in others {
            assert!(
                !read.matches(path.as_bytes(), Reading::Narrow),
                "{template} on {path:?}"
            );
        }
    }
}

#[test]
fn operators_match_segment_characters() {
    let one = PathMatch::parse("/a/{*}").unwrap();
    let rest = PathMatch::parse("/a/{**}").unwrap();
    for byte in 0..=u8::MAX {
        let is_good = byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;:@=".contains(&byte);
        let path = [b"/a/x".as_slice(), &[byte], b"y"].concat();
        assert_eq!(
            one.matches(&path, Reading::Narrow),
            is_good,
            "{{*}} and {byte:#04x}"
        );
        let is_good = is_good || byte == b'/';
        assert_eq!(
            rest.matches(&path, Reading::Narrow),
            is_good,
            "{{**}} and {byte:#04x}"
        );
    }
}

#[test]
fn every_match_starts_with_the_literal_prefix() {
    let cases = [
        ("/{*}", "/"),
        ("/{**}", "/"),
        ("/a/{*}", "/a/"),
        ("/a/{**}", "/a/"),
        ("/a/b/{*}/c/{**}", "/a/b/"),
        ("/a/{**}/c", "/a/"),
    ];
    for (template, expected) in cases {
        let PathMatch::Template(read) = PathMatch::parse(template).unwrap() else {
            panic!("{template} is a template");
        };
        assert_eq!(read.literal_prefix(), expected, "{template}");
    }
}

/// A template, paths that match it in the wide reading, and paths that do not.
type Wide = (
    &'static str,
    &'static [&'static [u8]],
    &'static [&'static str],
);

#[test]
fn every_match_ends_with_the_literal_suffix() {
    let cases = [
        ("/{*}", ""),
        ("/{**}", ""),
        ("/a/{*}/", "/"),
        ("/{*}/b/{*}/c/d", "/c/d"),
        ("/a/{*}/b/{**}", ""),
        ("/a/{*}/b/{**}/c/d", "/c/d"),
    ];
    for (template, expected) in cases {
        let PathMatch::Template(read) = PathMatch::parse(template).unwrap() else {
            panic!("{template} is a template");
        };
        assert_eq!(read.literal_suffix(), expected, "{template}");
    }
}

#[test]
fn distinguishes_any_number_of_segments() {
    for count in [1, 31, 32, 33, 34, 70] {
        let template = "/{*}".repeat(count);
        let one = PathMatch::parse(&template).unwrap();
        let rest = PathMatch::parse(&format!("{template}/x/{{**}}/y")).unwrap();
        for segment in ["a", "long*", "[", ""] {
            // Each segment in turn differs.
            for place in 0..count {
                let mut segments = vec!["s"; count];
                segments[place] = segment;
                let path = format!("/{}", segments.join("/"));
                let is_good = !["[", ""].contains(&segment);
                assert_eq!(
                    one.matches(path.as_bytes(), Reading::Narrow),
                    is_good,
                    "{count} {path}"
                );
                let longer = format!("{path}/x/z/z/y");
                assert_eq!(
                    rest.matches(longer.as_bytes(), Reading::Narrow),
                    is_good,
                    "{count} {longer}"
                );
                assert!(
                    !one.matches(longer.as_bytes(), Reading::Narrow),
                    "{count} {longer}"
                );
                assert!(
                    !rest.matches(path.as_bytes(), Reading::Narrow),
                    "{count} {path}"
                );
                let bad_rest = format!("{path}/x/z[/y");
                assert!(
                    !rest.matches(bad_rest.as_bytes(), Reading::Narrow),
                    "{count} {bad_rest}"
                );
            }
        }
    }
}

#[test]
fn templates_match_every_character_in_the_wide_reading() {
    let cases: [Wide; 5] = [
        (
            "/admin/{**}",
            &[
                b"/admin/",
                b"/admin/users[",
                b"/admin/a|b/^",
                b"/admin/\xff",
            ],
            &["/admin", "/administrators"],
        ),
        ("/{*}/x", &[b"/[/x", b"/\xc3\xa4/x"], &["//x", "/a/b/x"]),
        ("/a/{*}", &[b"/a/{b}"], &["/a/", "/a/[/b"]),
        ("/a/{**}/b", &[b"/a/[/b", b"/a/x/\"/b"], &["/a/b", "/a/[/c"]),
        ("/{**}", &[b"/", b"/<"], &[""]),
    ];
    for (template, matching, others) in cases {
        let read = PathMatch::parse(template).unwrap();
        for path in matching {
            let shown = path.escape_ascii();
            assert!(read.matches(path, Reading::Wide), "{template} on {shown}");
        }
        for path in others {
            let is_match = read.matches(path.as_bytes(), Reading::Wide);
            assert!(!is_match, "{template} on {path:?}");
        }
    }
}

#[test]
fn converts_prefix_templates_in_the_wide_reading() {
    for (template, prefix) in [
        ("/admin/{**}", Some("/admin/*")),
        ("/a/b/{**}", Some("/a/b/*")),
        ("/{**}", Some("/*")),
        ("/a/{*}", None),
        ("/a/{*}/{**}", None),
        ("/a/{**}/b", None),
        ("/a/{**}/", None),
    ] {
        let PathMatch::Template(read) = PathMatch::parse(template).unwrap() else {
            panic!("{template} is no template");
        };
        let written = read.as_wide_prefix().map(|prefix| prefix.to_string());
        assert_eq!(written.as_deref(), prefix, "{template}");
    }
}
