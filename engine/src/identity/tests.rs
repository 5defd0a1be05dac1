use proptest::prelude::*;
use spiffe::SpiffeId as Reference;

use super::*;

const ID: &str = "spiffe://cluster.local/ns/shop/sa/cart";

#[test]
fn splits_an_id_into_its_parts() {
    let id = SpiffeId::parse(ID.as_bytes()).unwrap();
    assert_eq!(id.as_str(), ID);
    assert_eq!(id.trust_domain(), "cluster.local");
    assert_eq!(id.path(), "/ns/shop/sa/cart");
    let kept = OwnedSpiffeId::parse(ID.as_bytes().to_vec()).unwrap();
    assert_eq!(kept.borrowed(), id);
}

#[test]
fn rejects_invalid_ids_with_the_reason() {
    use SpiffeIdError::{NoPath, Path, Scheme, TrustDomain};
    let cases: [(&[u8], SpiffeIdError); 31] = [
        (b"", Scheme),
        (b"cluster.local/ns/a/sa/b", Scheme),
        (b"spiffe:/td/a", Scheme),
        (b"SPIFFE://td/a", Scheme),
        (b"Spiffe://td/a", Scheme),
        (b" spiffe://td/a", Scheme),
        (b"https://td/a", Scheme),
        (b"spiffe://", TrustDomain),
        (b"spiffe:///a", TrustDomain),
        (b"spiffe://TD/a", TrustDomain),
        (b"spiffe://td:443/a", TrustDomain),
        (b"spiffe://user@td/a", TrustDomain),
        (b"spiffe://t%64/a", TrustDomain),
        (b"spiffe://td?x/a", TrustDomain),
        (b"spiffe://[::1]/a", TrustDomain),
        (b"spiffe://*/a", TrustDomain),
        (b"spiffe://td", NoPath),
        (b"spiffe://td/", Path),
        (b"spiffe://td/a/", Path),
        (b"spiffe://td//a", Path),
        (b"spiffe://td/a//b", Path),
        (b"spiffe://td/.", Path),
        (b"spiffe://td/..", Path),
        (b"spiffe://td/a/../b", Path),
        (b"spiffe://td/a/./b", Path),
        (b"spiffe://td/%61", Path),
        (b"spiffe://td/a?b", Path),
        (b"spiffe://td/a#b", Path),
        (b"spiffe://td/a b", Path),
        // Two SANs, as some proxies report them. An X.509-SVID has exactly one.
        (b"spiffe://td/a,spiffe://td/b", Path),
        (b"spiffe://td/\xff", Path),
    ];
    for (id, expected) in cases {
        assert_eq!(
            SpiffeId::parse(id),
            Err(expected),
            "{}",
            String::from_utf8_lossy(id)
        );
        assert_eq!(OwnedSpiffeId::parse(id.to_vec()), Err(expected));
    }
}

#[test]
fn checks_every_byte_in_trust_domain_and_path() {
    for byte in 0..=u8::MAX {
        let is_lower = byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let is_mark = [b'.', b'-', b'_'].contains(&byte);
        let in_domain = [b"spiffe://t".as_slice(), &[byte], b"d/a"].concat();
        // A slash ends the trust domain.
        let is_good = is_lower || is_mark || byte == b'/';
        assert_eq!(SpiffeId::parse(&in_domain).is_ok(), is_good, "{byte:#04x}");

        let in_path = [b"spiffe://td/a".as_slice(), &[byte], b"b"].concat();
        let is_good = is_lower || is_mark || byte.is_ascii_uppercase() || byte == b'/';
        assert_eq!(SpiffeId::parse(&in_path).is_ok(), is_good, "{byte:#04x}");
    }
}

#[test]
fn accepts_lengths_up_to_the_limits() {
    let with_domain = |length: usize| format!("spiffe://{}/a", "d".repeat(length));
    assert!(SpiffeId::parse(with_domain(255).as_bytes()).is_ok());
    assert_eq!(
        SpiffeId::parse(with_domain(256).as_bytes()),
        Err(SpiffeIdError::TrustDomain)
    );
    let of_length = |length: usize| format!("spiffe://td/{}", "a".repeat(length - 12));
    assert_eq!(of_length(2048).len(), 2048);
    assert!(SpiffeId::parse(of_length(2048).as_bytes()).is_ok());
    assert_eq!(
        SpiffeId::parse(of_length(2049).as_bytes()),
        Err(SpiffeIdError::TooLong)
    );
}

#[test]
fn distinguishes_absent_malformed_and_verified_callers() {
    let verified = SpiffeId::parse(ID.as_bytes()).unwrap();
    let cases: [(Option<&[u8]>, PeerIdentity<'_>); 6] = [
        (None, PeerIdentity::Absent),
        (Some(b""), PeerIdentity::Malformed),
        (Some(b" "), PeerIdentity::Malformed),
        (Some(b"spiffe://td"), PeerIdentity::Malformed),
        (Some(b"\xff"), PeerIdentity::Malformed),
        (Some(ID.as_bytes()), PeerIdentity::Verified(verified)),
    ];
    for (san, expected) in cases {
        assert_eq!(PeerIdentity::from_uri_san(san), expected, "{san:?}");
    }
}

#[test]
fn trust_domains_include_aliases() {
    let names = TrustDomains::new("own", &["old", "older"]).unwrap();
    assert_eq!(names.own(), "own");
    assert_eq!(names.aliases().collect::<Vec<_>>(), ["old", "older"]);
    assert_eq!(names.iter().collect::<Vec<_>>(), ["own", "old", "older"]);
    for (name, expected) in [("own", true), ("older", true), ("", false), ("ow", false)] {
        assert_eq!(names.contains(name), expected, "{name}");
    }
    assert_eq!(TrustDomains::new("Own", &["old"]), None);
    assert_eq!(TrustDomains::new("own", &["old", ""]), None);
}

/// Texts similar to SPIFFE IDs.
fn near_ids() -> impl Strategy<Value = String> {
    let scheme = prop_oneof![
        20 => Just("spiffe://"),
        1 => Just("Spiffe://"),
        1 => Just("spiffe:/"),
        1 => Just("spiffe:"),
        1 => Just("http://"),
        1 => Just(""),
    ];
    let domain = prop_oneof![8 => "[a-z0-9._-]{1,6}", 1 => "[a-zA-Z.:@%* é]{0,4}"];
    let segment = prop_oneof![
        12 => "[a-zA-Z0-9._-]{1,5}",
        1 => "[.]{0,3}",
        1 => "[a%?#:*~ é/]{0,3}",
    ];
    let path = prop::collection::vec(segment, 0..5).prop_map(|segments| {
        let prefixed = segments.iter().map(|segment| format!("/{segment}"));
        prefixed.collect::<String>()
    });
    (scheme, domain, path).prop_map(|(scheme, domain, path)| format!("{scheme}{domain}{path}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn parses_ids_like_the_reference_implementation(text in near_ids()) {
        // The reference also accepts IDs without a path, and converts the scheme and the trust
        // domain to lower case. This crate does neither.
        let is_unchanged = |id: &Reference| id.to_string() == text && !id.path().is_empty();
        let reference = Reference::new(&text).ok().filter(is_unchanged);
        match (SpiffeId::parse(text.as_bytes()), reference) {
            (Ok(id), Some(reference)) => {
                prop_assert_eq!(id.trust_domain(), reference.trust_domain_name());
                prop_assert_eq!(id.path(), reference.path());
            }
            (Err(_), None) => {}
            (ours, theirs) => prop_assert!(false, "{text:?}: {ours:?}, reference {theirs:?}"),
        }
    }

    #[test]
    fn reading_arbitrary_bytes_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = PeerIdentity::from_uri_san(Some(&bytes));
        let _ = SpiffeId::parse(&[SCHEME.as_bytes(), &bytes].concat());
    }
}
