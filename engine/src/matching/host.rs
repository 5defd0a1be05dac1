//! The spellings of one host in `:authority`.

use std::borrow::Cow;

use percent_encoding::percent_decode;

use super::header::Separator;

/// The maximum number of joined hosts that are read one by one.
const MAX_HOSTS: usize = 16;

/// The maximum length of a value that is read in other spellings: enough for that many hosts.
const MAX_AUTHORITY: usize = 4_096;

/// Whether a workload may read a host in `authority` that differs from its prefix or suffix: one of
/// several, the one after user information, or a percent-encoded one.
pub(crate) fn is_ambiguous(authority: &[u8]) -> bool {
    authority
        .iter()
        .any(|byte| matches!(byte, b',' | b'@' | b'%'))
}

/// Whether `is` holds for a host that a workload may read in `authority`: each of several joined
/// hosts, without user information and trailing dot, and also percent-decoded. `is` is called with
/// the port as written and without leading zeros; an empty port is omitted. More than [`MAX_HOSTS`]
/// hosts or [`MAX_AUTHORITY`] bytes count as a match.
pub(crate) fn has_host(authority: &[u8], is: &mut dyn FnMut(&[u8]) -> bool) -> bool {
    authority.len() > MAX_AUTHORITY
        || has_host_in(authority, is)
        || match Cow::from(percent_decode(authority)) {
            Cow::Owned(decoded) => has_host_in(&decoded, is),
            Cow::Borrowed(_) => false,
        }
}

fn has_host_in(authority: &[u8], is: &mut dyn FnMut(&[u8]) -> bool) -> bool {
    let mut hosts = Separator::Comma.parts(authority).enumerate();
    hosts.any(|(before, host)| before >= MAX_HOSTS || matches_plain(host, is))
}

fn matches_plain(host: &[u8], is: &mut dyn FnMut(&[u8]) -> bool) -> bool {
    let host = host.rsplit(|&byte| byte == b'@').next().unwrap_or_default();
    let (name, port) = host.split_at_checked(name_length(host)).unwrap_or_default();
    let plain = without_trailing_dots(name);
    let with_port = if plain.len() == name.len() {
        Cow::Borrowed(host)
    } else {
        Cow::Owned([plain, port].concat())
    };
    let is_filler = |&&byte: &&u8| byte == b':' || byte == b'0';
    let filler = port.iter().take_while(is_filler).count();
    is(&with_port)
        || match (filler, port.get(filler..)) {
            (0, _) | (_, None) => false,
            (_, Some([])) => is(plain),
            (1, Some(_)) => false,
            (_, Some(digits)) => is(&[plain, b":", digits].concat()),
        }
}

/// The length of the host before the colon of its port. IPv6 addresses contain colons in brackets.
fn name_length(host: &[u8]) -> usize {
    let mut in_brackets = false;
    let is_colon = |&byte: &u8| {
        in_brackets = (in_brackets || byte == b'[') && byte != b']';
        byte == b':' && !in_brackets
    };
    host.iter().position(is_colon).unwrap_or(host.len())
}

/// A DNS name without trailing dots.
pub(crate) fn without_trailing_dots(mut name: &[u8]) -> &[u8] {
    while let Some(shorter) = name.strip_suffix(b".") {
        name = shorter;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(authority: &str) -> Vec<String> {
        let mut hosts = Vec::new();
        let is_too_long = has_host(authority.as_bytes(), &mut |host| {
            hosts.push(String::from_utf8(host.to_owned()).unwrap());
            false
        });
        assert!(!is_too_long);
        hosts
    }

    #[test]
    fn normalizes_each_host() {
        for (authority, expected) in [
            ("admin.shop", &["admin.shop"][..]),
            ("admin.shop:80", &["admin.shop:80"]),
            ("admin.shop.", &["admin.shop"]),
            ("admin.shop..", &["admin.shop"]),
            ("admin.shop.:80", &["admin.shop:80"]),
            ("admin.shop:", &["admin.shop:", "admin.shop"]),
            ("admin.shop.:", &["admin.shop:", "admin.shop"]),
            ("admin.shop:0", &["admin.shop:0", "admin.shop"]),
            ("admin.shop:0080", &["admin.shop:0080", "admin.shop:80"]),
            ("admin.shop.:080", &["admin.shop:080", "admin.shop:80"]),
            ("x@admin.shop", &["admin.shop"]),
            ("x:y@z@admin.shop.:80", &["admin.shop:80"]),
            ("admin.shop, orders.shop.", &["admin.shop", "orders.shop"]),
            ("[::1]", &["[::1]"]),
            ("[::1]:80", &["[::1]:80"]),
            ("[::1].:80", &["[::1]:80"]),
            ("admin.shop:http", &["admin.shop:http"]),
            ("admin.shop.:http:1", &["admin.shop:http:1"]),
            ("", &[""]),
            (".", &[""]),
            ("admin%2Eshop", &["admin%2Eshop", "admin.shop"]),
            (
                "%61dmin.shop%2e:080",
                &[
                    "%61dmin.shop%2e:080",
                    "%61dmin.shop%2e:80",
                    "admin.shop:080",
                    "admin.shop:80",
                ],
            ),
            ("admin%252Eshop", &["admin%252Eshop", "admin%2Eshop"]),
            ("x%40admin.shop", &["x%40admin.shop", "admin.shop"]),
            ("100%", &["100%"]),
            ("a%2", &["a%2"]),
            ("a%zz", &["a%zz"]),
        ] {
            assert_eq!(hosts(authority), expected, "{authority}");
        }
    }

    #[test]
    fn too_many_hosts_match_everything() {
        let joined = |count: usize| vec!["a"; count].join(",");
        assert_eq!(hosts(&joined(MAX_HOSTS)).len(), MAX_HOSTS);
        let mut compared = 0;
        let is_any = has_host(joined(1_000).as_bytes(), &mut |_| {
            compared += 1;
            false
        });
        assert!(is_any);
        assert_eq!(compared, MAX_HOSTS);
    }
}
