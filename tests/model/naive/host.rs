//! Hosts, and other texts that can name them.

use super::field::Stops;
use super::text::{bytes_of, header_matches, latin1, trimmed};

/// Both ignoring case.
pub(super) fn host_matches(pattern: &str, host: &[u8], stops: Stops) -> bool {
    let pattern = pattern.to_ascii_lowercase();
    let host = latin1(&host.to_ascii_lowercase());
    if header_matches(&pattern, &bytes_of(&host)) {
        return stops || takes_host(&pattern, &bytes_of(&host));
    }
    let plain = |host: &str| {
        let host = trimmed(host).rsplit('@').next().expect("one at least");
        let mut depth = 0;
        let colon = host.find(|letter| {
            depth = match letter {
                '[' => 1,
                ']' => 0,
                _ => depth,
            };
            letter == ':' && depth == 0
        });
        let (name, port) = host.split_at(colon.unwrap_or(host.len()));
        let name = name.trim_end_matches('.');
        let digits = port.trim_start_matches([':', '0']);
        let colon = if digits.is_empty() { "" } else { ":" };
        [format!("{name}{port}"), format!("{name}{colon}{digits}")]
    };
    let readings = [host.clone(), percent_decoded(&host).to_ascii_lowercase()];
    stops
        && readings.iter().any(|host| {
            let mut hosts = host.split(',').flat_map(plain);
            host.split(',').count() > 16
                || hosts.any(|host| header_matches(&pattern, &bytes_of(&host)))
        })
}

/// Whether a matching pattern lets a host pass: not if the host could be read as another one than
/// its prefix or suffix.
pub(super) fn takes_host(pattern: &str, host: &[u8]) -> bool {
    let is_ambiguous = host.iter().any(|byte| b",@%".contains(byte));
    !is_ambiguous || pattern == "*" || pattern.as_bytes() == host
}

fn percent_decoded(text: &str) -> String {
    let mut decoded = String::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let digits = rest.strip_prefix('%').and_then(|rest| rest.get(..2));
        let is_hex = |digits: &&str| digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let (letter, length) = match digits.filter(is_hex) {
            Some(digits) => {
                let byte = u8::from_str_radix(digits, 16).expect("two digits");
                (char::from(byte), 3)
            }
            None => (letter, letter.len_utf8()),
        };
        decoded.push(letter);
        rest = &rest[length..];
    }
    decoded
}
