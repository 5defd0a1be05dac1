//! Random paths as attackers write them.

use std::env;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

/// The number of random paths, unless `PEERGATE_CASES` overrides it.
const CASES: usize = 1000;

const PARTS: [&str; 64] = [
    "/", "/", "/", "/", "//", "///", "\\", "/.", "/..", "/./", "/../", ".", "..", "...", "%2e",
    "%2E", "%2e%2E", "/%2e", "/%2e%2e/", "/.%2e/", "%2f", "%2F", "%5c", "%5C", "/%2f", "%252f",
    "%252e", ";", "/..;", "/..;a=b", "/.;", "/;x", "/..;/", "..;", "%", "%%", "%2", "%3", "%g0",
    "%4g", "%41", "%61", "%7e", "%7E", "%2d", "%30", "%34", "%3%30", "%%34", "%%300", "%00", "%0a",
    "%20", "%3f", "%23", "?", "#", "*", "a", "A", "admin", "b1", "ä", "€",
];

/// Each byte, raw and escaped, and random paths that confuse parsers.
pub(crate) fn paths() -> Vec<Vec<u8>> {
    let mut paths = Vec::new();
    for byte in 0..=u8::MAX {
        // Skip bytes that would end the request line or start another.
        if !b"\r\n\0 ".contains(&byte) {
            paths.push([b"/a", &[byte][..], b"b"].concat());
        }
        paths.push(format!("/a%{byte:02x}b").into_bytes());
        paths.push(format!("/a%{byte:02X}").into_bytes());
        paths.push(format!("/%{byte:02x}/a").into_bytes());
    }
    let cases = env::var("PEERGATE_CASES").ok();
    let cases = cases.map_or(CASES, |cases| cases.parse().unwrap());
    let path = prop::collection::vec(select(&PARTS[..]), 0..9)
        .prop_map(|parts| format!("/{}", parts.concat()).into_bytes());
    let mut runner = TestRunner::deterministic();
    paths.extend((0..cases).map(|_| path.new_tree(&mut runner).unwrap().current()));
    paths
}
