//! Strips the envelopes that log collectors add to lines.
//!
//! Only the start of a line is inspected, because the rest may contain values from clients.

use std::borrow::Cow;

use policy_schema::timestamp::Timestamp;
use serde::Deserialize;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A line in Docker's format.
#[derive(Deserialize)]
struct DockerLine<'l> {
    #[serde(borrow)]
    log: Cow<'l, str>,
    #[serde(borrow, rename = "stream")]
    _stream: Cow<'l, str>,
}

/// The line as written by the container.
pub(super) fn unwrapped(line: &[u8]) -> Cow<'_, [u8]> {
    let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
    if let Some(inner) = strip_cri(line).or_else(|| strip_kubectl(line)) {
        return Cow::Borrowed(inner);
    }
    if line.starts_with(b"{\"log\":")
        && let Ok(DockerLine { log, .. }) = serde_json::from_slice(line)
    {
        return Cow::Owned(log.into_owned().into_bytes());
    }
    Cow::Borrowed(line)
}

/// Strips the prefix of files in `/var/log/pods`: `2026-06-01T10:00:00.1Z stdout F LINE`. Partial lines (`P`) are unchanged.
fn strip_cri(line: &[u8]) -> Option<&[u8]> {
    let (time, rest) = split(line)?;
    Timestamp::parse(str::from_utf8(time).ok()?).ok()?;
    let (stream, rest) = split(rest)?;
    let (tag, rest) = split(rest)?;
    (matches!(stream, b"stdout" | b"stderr") && tag == b"F").then_some(rest)
}

/// Strips the prefix of `kubectl logs --prefix`: `[pod/NAME/CONTAINER] LINE`.
fn strip_kubectl(line: &[u8]) -> Option<&[u8]> {
    let (prefix, rest) = split(line)?;
    let source = prefix.strip_prefix(b"[pod/")?.strip_suffix(b"]")?;
    let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-./".contains(byte);
    source.iter().all(is_allowed).then_some(rest)
}

/// Splits at the first space.
fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = line.iter().position(|byte| *byte == b' ')?;
    Some((line.get(..space)?, line.get(space + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_envelopes_of_collectors() {
        let line = r#"{"a": "{\"}"#;
        let docker = serde_json::json!({"log": line, "stream": "stdout", "time": "x"}).to_string();
        for around in [
            line.to_owned(),
            format!("\u{feff}{line}"),
            format!("2026-06-01T10:00:00.123456789Z stdout F {line}"),
            format!("[pod/cart-7d9-abc/istio-proxy] {line}"),
            docker,
        ] {
            assert_eq!(unwrapped(around.as_bytes()), line.as_bytes(), "{around}");
        }
    }

    #[test]
    fn keeps_other_lines() {
        for line in [
            "",
            "GET /[pod/a] {}",
            "2026-06-01T10:00:00Z stdout P {}",
            "yesterday stdout F {}",
            "[pod/a b] {}",
            "[2026-06-01T10:00:00.250Z] \"GET / HTTP/1.1\" 200",
            r#"{"log": 7, "stream": "stdout"}"#,
            r#"{"log":"x"}"#,
        ] {
            assert_eq!(unwrapped(line.as_bytes()), line.as_bytes(), "{line}");
        }
    }
}
