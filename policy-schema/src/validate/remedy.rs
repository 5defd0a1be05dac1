//! Remedies with the exact text to write. Each proposal is parsed, so that it is always accepted.

use crate::check::is_dns_label;
use crate::code;
use crate::matching::PathMatch;
use crate::problem::{Problem, Step};
use crate::timestamp::Timestamp;

/// The remedy with a replacement for `text`, if one is known for the problem.
pub(super) fn of(problem: &Problem, text: &str) -> Option<String> {
    let field = problem
        .location
        .steps()
        .iter()
        .rev()
        .find_map(|step| match step {
            Step::Key(key) => Some(key.as_ref()),
            Step::Index(_) => None,
        })?;
    let (text, otherwise) = match (problem.code, field) {
        (code::INVALID_TIME, _) => (time(field, text)?, None),
        (code::INVALID_PATH_TEMPLATE | code::INVALID_WILDCARD, "paths" | "notPaths") => {
            (path(text)?, None)
        }
        (code::INVALID_VALUE, "paths" | "notPaths") => (plain_path(text)?, None),
        (code::INVALID_VALUE, "methods" | "notMethods") => (
            Some(text.to_ascii_uppercase())
                .filter(|method| method.bytes().all(|byte| byte.is_ascii_uppercase()))?,
            Some("methods are case-sensitive"),
        ),
        (code::INVALID_VALUE, "hosts" | "notHosts") => {
            (host(text)?, Some("a host has no scheme and no path"))
        }
        (code::INVALID_RULE_ID, "id") => (label(text)?, None),
        _ => return None,
    };
    Some(match otherwise {
        Some(reason) => format!("write `{text}`: {reason}"),
        None => format!("write `{text}`"),
    })
}

/// Completes a date, a time with a space, or a time in another zone to a time in UTC. A `notAfter` date includes the
/// whole day.
fn time(field: &str, text: &str) -> Option<String> {
    let of_day = if field == "notBefore" {
        "T00:00:00Z"
    } else {
        "T23:59:59Z"
    };
    let with_t = text.replacen(' ', "T", 1);
    let candidates = [
        format!("{text}{of_day}"),
        with_t.clone(),
        format!("{with_t}Z"),
        with_t.to_ascii_uppercase(),
    ];
    let mut candidates = candidates.into_iter();
    let written = candidates.find(|candidate| Timestamp::parse(candidate).is_ok());
    written.or_else(|| in_utc(&with_t))
}

/// Converts a time with an offset such as `+02:00` to UTC.
fn in_utc(text: &str) -> Option<String> {
    const MINUTE: i64 = 60_000_000_000;
    let (local, offset) = text.split_at_checked(text.len().checked_sub("+00:00".len())?)?;
    let sign = match offset.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    let minutes = hours.parse::<u8>().ok()?.checked_mul(60).map(i64::from)?
        + i64::from(minutes.parse::<u8>().ok()?);
    let local = Timestamp::parse(&format!("{local}Z"))
        .ok()?
        .unix_nanoseconds();
    let utc = i64::try_from(local)
        .ok()?
        .checked_sub(sign * minutes * MINUTE)?;
    Some(Timestamp::from_unix_nanoseconds(u64::try_from(utc).ok()?).to_string())
}

/// Replaces other tools' placeholders by `{*}` and `{**}`, if they are whole segments.
fn path(text: &str) -> Option<String> {
    let segments = text.split('/').map(|segment| match segment {
        "*" => "{*}",
        "**" => "{**}",
        other if is_parameter(other) => "{*}",
        other => other,
    });
    let path = segments.collect::<Vec<_>>().join("/");
    acceptable(path, text)
}

/// A segment such as `{id}`.
fn is_parameter(segment: &str) -> bool {
    let name = segment
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'));
    name.is_some_and(|name| !name.is_empty() && !name.contains(['{', '}', '*']))
}

/// Adds a leading slash and removes the query.
fn plain_path(text: &str) -> Option<String> {
    let path = text.split(['?', '#']).next()?;
    let slash = if path.starts_with(['/', '*']) {
        ""
    } else {
        "/"
    };
    acceptable(format!("{slash}{path}"), text)
}

fn acceptable(path: String, text: &str) -> Option<String> {
    let is_graphic = path.bytes().all(|byte| byte.is_ascii_graphic());
    let is_good =
        path != text && is_graphic && path.starts_with('/') && PathMatch::parse(&path).is_ok();
    is_good.then_some(path)
}

/// The host of a URL.
fn host(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next()?;
    let is_good = !host.is_empty()
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-:".contains(&byte));
    is_good.then(|| host.to_ascii_lowercase())
}

/// Converts a text to a DNS label.
fn label(text: &str) -> Option<String> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    let label = words.join("-").to_ascii_lowercase();
    is_dns_label(&label).then_some(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_full() {
        for (field, text, written) in [
            ("notAfter", "2027-06-30", Some("2027-06-30T23:59:59Z")),
            ("notBefore", "2027-06-30", Some("2027-06-30T00:00:00Z")),
            (
                "notAfter",
                "2027-06-30 12:00:00",
                Some("2027-06-30T12:00:00Z"),
            ),
            (
                "notAfter",
                "2027-06-30T12:00:00",
                Some("2027-06-30T12:00:00Z"),
            ),
            (
                "notAfter",
                "2027-06-30t12:00:00z",
                Some("2027-06-30T12:00:00Z"),
            ),
            (
                "notAfter",
                "2027-06-30T01:30:00+02:00",
                Some("2027-06-29T23:30:00Z"),
            ),
            (
                "notAfter",
                "2027-06-30T23:30:00-01:00",
                Some("2027-07-01T00:30:00Z"),
            ),
            ("notAfter", "2027-02-30", None),
            ("notAfter", "tomorrow", None),
            ("notAfter", "", None),
            ("notAfter", "é+01:00", None),
        ] {
            assert_eq!(time(field, text).as_deref(), written, "{text}");
        }
    }

    #[test]
    fn paths_are_written_as_templates() {
        for (text, written) in [
            ("/v1/{id}/x", Some("/v1/{*}/x")),
            ("/v1/{id}/y/{name}", Some("/v1/{*}/y/{*}")),
            ("/v1/{id}/y/{name}.json", None),
            ("/v1/**/x", Some("/v1/{**}/x")),
            ("/a/*/b", Some("/a/{*}/b")),
            ("/a/b*c", None),
            ("/v1/{**}/{*}", None),
            ("v1/{*}", None),
            ("/v1//{id}", None),
        ] {
            assert_eq!(path(text).as_deref(), written, "{text}");
        }
        assert_eq!(plain_path("cart").as_deref(), Some("/cart"));
        assert_eq!(plain_path("/cart?id=1").as_deref(), Some("/cart"));
        assert_eq!(plain_path("/a b"), None);
    }

    #[test]
    fn other_texts_are_written_as_the_language_has_them() {
        assert_eq!(
            host("https://cart.shop:8080/x").as_deref(),
            Some("cart.shop:8080")
        );
        assert_eq!(host("cart.shop/x"), None);
        assert_eq!(label("Frontend reads").as_deref(), Some("frontend-reads"));
        assert_eq!(label("é"), None);
    }
}
