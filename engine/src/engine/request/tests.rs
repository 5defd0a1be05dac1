use super::*;

#[test]
fn strips_query_and_fragment() {
    let cases: [(&[u8], &[u8]); 9] = [
        (b"", b""),
        (b"/", b"/"),
        (b"/a?b", b"/a"),
        (b"/a#b", b"/a"),
        (b"/a?b#c?d", b"/a"),
        (b"/a#b?c", b"/a"),
        (b"?", b""),
        (b"/a%3fb", b"/a%3fb"),
        (b"/\xff?x", b"/\xff"),
    ];
    for (path, expected) in cases {
        let label = String::from_utf8_lossy(path);
        assert_eq!(path_without_query(path), expected, "{label}");
    }
}
