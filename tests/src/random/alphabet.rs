//! The few strings in random policies and requests: so few that they often match.

/// The times in rules: midnights at the start of 2026.
pub const TIMES: [&str; 4] = [
    "2026-01-01T00:00:00Z",
    "2026-01-02T00:00:00Z",
    "2026-01-03T00:00:00Z",
    "2026-01-04T00:00:00Z",
];

/// One of the times, in nanoseconds since the Unix epoch.
pub fn time(text: &str) -> u64 {
    let day = TIMES.iter().position(|&time| time == text);
    let day = u64::try_from(day.expect("one of the times")).expect("few");
    (1_767_225_600 + day * 86_400) * 1_000_000_000
}

/// The paths of SPIFFE IDs.
pub(super) const PATHS_OF_IDS: [&str; 11] = [
    "ns/a/sa/a",
    "ns/a/sa/ab",
    "ns/a/sa/b",
    "ns/ab/sa/a",
    "ns/ab/sa/b",
    "ns/b/sa/a",
    "ns/b/sa/ab",
    "a",
    "ns/a",
    "ns/a/sa/b/a",
    "x/ns/a/sa",
];

/// Names of callers that are not mesh identities, or only look like one.
pub(super) const ODD_IDS: [&str; 13] = [
    "",
    "spiffe://td9/ns/a/sa/a",
    "spiffe://td1",
    "spiffe://td1/",
    "td1/ns/a/sa/a",
    "x",
    "spiffe://TD1/ns/a/sa/a",
    "spiffe://td1/ns/a/sa/a,spiffe://td1/ns/a/sa/b",
    "spiffe://td1/ns/a/../a",
    "spiffe://td1//ns/a/sa/a",
    "spiffe://td/a",
    "spiffe://td1/ns/A/sa/a",
    "spiffe://td1/ns/ba/sa/x",
];

/// DNS names and URIs of clients from outside the mesh.
pub(super) const DNS_OF_CLIENTS: [&str; 6] = ["a.b", "a.a.b", "A.b", "b", "x.b", "a.b.c"];
pub(super) const URIS_OF_CLIENTS: [&str; 6] = [
    "https://a/b",
    "https://a/bc",
    "https://ab/b",
    "urn:a",
    "spiffe://td9/ns/a/sa/a",
    "spiffe://td9/a",
];

/// Names of client certificates as written in rules.
pub(super) const CLIENT_CERTIFICATES: [&str; 10] = [
    "dns:a.b",
    "dns:*.b",
    "dns:b",
    "uri:https://a/b",
    "uri:https://a/*",
    "uri:spiffe://td9/*",
    "uri:spiffe://td9/a",
    "uri:urn:a",
    "subject:CN=a",
    "subject:CN=ab",
];

pub(super) const PATHS: [&str; 12] = [
    "/", "/a", "/b", "/ab", "/a/", "/a/b", "/a/b/c", "/a//b", "/ab/b", "/b/a/c", "/a/b/b/c", "/a/a",
];

/// Addresses, including loopback ones, which real connections can have.
pub(super) const ADDRESSES: [&str; 8] = [
    "127.0.0.1",
    "127.0.0.2",
    "127.1.0.1",
    "10.0.0.1",
    "2001:db8::1",
    "::1",
    "::ffff:127.0.0.2",
    "::ffff:10.0.0.1",
];

/// Forwarded addresses, in valid and invalid forms.
pub(super) const FORWARDED: [&str; 13] = [
    "10.0.0.1",
    "127.0.0.2",
    "::ffff:10.0.0.1",
    "::FFFF:7f00:1",
    "2001:db8::1",
    "fe80::1%1",
    "::10.0.0.1",
    "127.0.0.1, ::ffff:10.0.0.1",
    "10.0.0.1:80",
    "[::1]",
    "10.0.0.01",
    "10.0.0.1,",
    "unix:/x",
];

pub(super) const BLOCKS: [&str; 8] = [
    "127.0.0.1",
    "127.0.0.0/8",
    "127.0.0.0/31",
    "0.0.0.0/0",
    "10.0.0.0/8",
    "2001:db8::/32",
    "::/0",
    "::1",
];

pub(super) const ISSUERS: [&str; 4] = ["https://a", "https://a/b", "b", ""];

pub(super) const SUBJECTS: [&str; 4] = ["a", "ab", "b", ""];

pub(super) const GROUPS: [&str; 4] = ["a", "ab", "b", ""];

pub(super) const HEADERS: [&str; 10] = [
    "a", "ab", "b", "", "A", "a,b", "b, a", "a=b; b", "b ,a,b", "ab,",
];

pub(super) const HOSTS: [&str; 15] = [
    "a%2Eb", "%61b", "a.b", "A.b", "a.B:80", "AB", "b:80", "", "x", "a.b.", "x@ab", "x,a.b",
    "a.b.:080", "ab:", "b:80,x",
];

pub(super) const SERVER_NAMES: [&str; 4] = ["a.b", "ab", "b.a.b", "a.b."];
