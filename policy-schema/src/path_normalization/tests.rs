use proptest::prelude::*;

use super::*;
use PathNormalization::{Base, DecodeAndMergeSlashes, MergeSlashes};

const MODES: [PathNormalization; 4] = [
    PathNormalization::None,
    Base,
    MergeSlashes,
    DecodeAndMergeSlashes,
];

fn seen(mode: PathNormalization, path: &str) -> String {
    String::from_utf8(mode.normalize(path.as_bytes()).unwrap()).unwrap()
}

/// The cases of Istio's own test (`tests/integration/security/normalization_test.go`).
#[test]
fn normalizes_paths_like_istio() {
    for (path, base, merged, decoded) in [
        ("/", "/", "/", "/"),
        ("/app#foo", "/app", "/app", "/app"),
        ("/app/", "/app/", "/app/", "/app/"),
        ("/app/../admin", "/admin", "/admin", "/admin"),
        ("/app//", "/app//", "/app/", "/app/"),
        ("/app/%2f", "/app/%2f", "/app/%2f", "/app/"),
        ("/app%2f/", "/app%2f/", "/app%2f/", "/app/"),
        (
            "/xyz%30..//abc",
            "/xyz0..//abc",
            "/xyz0../abc",
            "/xyz0../abc",
        ),
        ("/app/%2E./admin", "/admin", "/admin", "/admin"),
        ("/app\\admin", "/app/admin", "/app/admin", "/app/admin"),
        (
            "/%2Fapp%5cadmin%5Cabc",
            "/%2Fapp%5cadmin%5Cabc",
            "/%2Fapp%5cadmin%5Cabc",
            "/app/admin/abc",
        ),
        (
            "/%5Capp%2f%5c%2F%2e%2e%2fadmin%5c\\abc",
            "/%5Capp%2f%5c%2F..%2fadmin%5c/abc",
            "/%5Capp%2f%5c%2F..%2fadmin%5c/abc",
            "/app/admin/abc",
        ),
        ("/app//../admin", "/app/admin", "/app/admin", "/app/admin"),
        ("/app//../../admin", "/admin", "/admin", "/admin"),
        (
            "/%c0%2e%c0%2e/admin",
            "/%c0.%c0./admin",
            "/%c0.%c0./admin",
            "/%c0.%c0./admin",
        ),
        ("/%c0%2fadmin", "/%c0%2fadmin", "/%c0%2fadmin", "/%c0/admin"),
    ] {
        for (mode, expected) in [
            (Base, base),
            (MergeSlashes, merged),
            (DecodeAndMergeSlashes, decoded),
        ] {
            assert_eq!(seen(mode, path), expected, "{mode:?} {path}");
        }
    }
}

#[test]
fn escapes_within_escapes_do_not_become_escapes() {
    for (path, expected) in [
        ("/%%300", "/%2500"),
        ("/%3%30", "/%2530"),
        ("/%%34", "/%4"),
        ("/%%34g", "/%4g"),
        ("/%", "/%"),
        ("/%4g", "/%4g"),
        ("/%zz/../%61", "/a"),
    ] {
        assert_eq!(seen(Base, path), expected, "{path}");
    }
}

#[test]
fn keeps_two_slashes_of_a_run() {
    for path in ["//", "///", "//%2f", "//."] {
        assert_eq!(seen(DecodeAndMergeSlashes, path), "//", "{path}");
    }
}

#[test]
fn refuses_paths_that_no_rule_sees() {
    for (path, refused) in [
        (&b"/a%00"[..], RefusedPath::Nul),
        (b"/a\x00", RefusedPath::InvalidCharacter),
        (b"/a b", RefusedPath::InvalidCharacter),
        (b"/\x7f", RefusedPath::InvalidCharacter),
        (b"*", RefusedPath::NotAbsolute),
        (b"", RefusedPath::NotAbsolute),
        (b"%2fa", RefusedPath::NotAbsolute),
    ] {
        assert_eq!(Base.normalize(path), Err(refused));
    }
    // Without normalization, nothing inspects the path.
    assert_eq!(seen(PathNormalization::None, "/a%00/.."), "/a%00/..");
}

proptest! {
    /// Otherwise a rule could not name the path of a request.
    #[test]
    fn normalized_paths_begin_with_a_slash_and_have_no_dot_segments(
        path in "/[/.%;a2eEfF5cC\\\\?#\u{e4}]{0,24}",
    ) {
        for mode in MODES {
            let seen = mode.normalize(path.as_bytes()).unwrap();
            prop_assert_eq!(seen.first(), Some(&b'/'));
            let mut segments = seen.split(|byte| *byte == b'/');
            let is_dots = |segment: &[u8]| matches!(segment, b"." | b"..");
            prop_assert!(mode < Base || !segments.any(is_dots));
        }
    }
}
