//! Requests: methods, paths, hosts and ports.

use super::{check_header_pattern, check_list, check_texts};
use crate::code;
use crate::matching::path::InvalidPath;
use crate::matching::{PathMatch, TextMatch};
use crate::problem::{Cursor, Problems};
use crate::rule::{Operation, Terms};
use crate::rule_spec::OperationSpec;

pub(super) fn check(
    spec: &OperationSpec,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Option<Operation> {
    let before = problems.count();
    let text_fields = [
        &spec.methods,
        &spec.not_methods,
        &spec.paths,
        &spec.not_paths,
        &spec.hosts,
        &spec.not_hosts,
    ];
    let has_field = text_fields.iter().any(|field| field.is_some())
        || spec.ports.is_some()
        || spec.not_ports.is_some();
    if !has_field {
        problems.report(
            code::EMPTY_MATCHER,
            cursor,
            "the operation is empty",
            "add a field, or remove `to` to match every request",
        );
    }
    let ports = Terms {
        any_of: (&spec.ports, "ports"),
        none_of: (&spec.not_ports, "notPorts"),
    };
    let ports = ports.map(|(ports, key)| {
        check_list(
            ports.as_deref(),
            &cursor.key(key),
            problems,
            |&port, cursor, problems| check_port(port, cursor, problems),
        )
    });
    let methods = Terms {
        any_of: (&spec.methods, "methods"),
        none_of: (&spec.not_methods, "notMethods"),
    };
    let hosts = Terms {
        any_of: (&spec.hosts, "hosts"),
        none_of: (&spec.not_hosts, "notHosts"),
    };
    let paths = Terms {
        any_of: (&spec.paths, "paths"),
        none_of: (&spec.not_paths, "notPaths"),
    };
    let operation = Operation {
        methods: methods.map(|(texts, key)| {
            check_texts(texts.as_deref(), &cursor.key(key), problems, &check_method)
        }),
        hosts: hosts.map(|(texts, key)| {
            check_texts(texts.as_deref(), &cursor.key(key), problems, &check_host)
        }),
        paths: paths.map(|(texts, key)| {
            check_texts(texts.as_deref(), &cursor.key(key), problems, &check_path)
        }),
        ports,
    };
    (problems.count() == before).then_some(operation)
}

/// Reports a port that no workload can listen on.
pub fn check_port(port: u16, cursor: &Cursor<'_>, problems: &mut Problems) -> Option<u16> {
    if port == 0 {
        problems.report(
            code::INVALID_VALUE,
            cursor,
            "0 is not a port",
            "use a port from 1 to 65535",
        );
        return None;
    }
    Some(port)
}

fn check_method(text: &str, cursor: &Cursor<'_>, problems: &mut Problems) -> Option<TextMatch> {
    let pattern = check_header_pattern(text, cursor, problems)?;
    if !pattern.literal().bytes().all(is_method_byte) {
        problems.report(
            code::INVALID_VALUE,
            cursor,
            format!("`{text}` is not an upper-case method"),
            "use `GET`: methods are case-sensitive, and rules do not support `get`, a different method",
        );
        return None;
    }
    Some(pattern)
}

fn check_path(text: &str, cursor: &Cursor<'_>, problems: &mut Problems) -> Option<PathMatch> {
    let pattern = match PathMatch::parse(text) {
        Ok(pattern) => pattern,
        Err(InvalidPath::Wildcard(_)) => {
            problems.report(
                code::INVALID_WILDCARD,
                cursor,
                format!("`{text}` has a misplaced `*`"),
                "within a path, use `{*}` for one segment and `{**}` for several; use a plain `*` only at one end",
            );
            return None;
        }
        Err(InvalidPath::Template(reason)) => {
            problems.report(
                code::INVALID_PATH_TEMPLATE,
                cursor,
                format!("invalid path template `{text}`: {reason}"),
                "write it as `/orders/{*}/items` or `/static/{**}`",
            );
            return None;
        }
    };
    let mistake = match &pattern {
        PathMatch::Text(TextMatch::Exact(path) | TextMatch::Prefix(path))
            if !path.starts_with('/') =>
        {
            Some("start the path with `/`")
        }
        _ if text.contains(['?', '#']) => Some(
            "remove the query: paths are compared without it; to match it, test the header `:path`",
        ),
        _ if !text.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Some("percent-encode characters outside visible ASCII, as clients do")
        }
        _ => None,
    };
    if let Some(help) = mistake {
        problems.report(
            code::INVALID_VALUE,
            cursor,
            format!("no request has the path `{text}`"),
            help,
        );
        return None;
    }
    Some(pattern)
}

fn check_host(text: &str, cursor: &Cursor<'_>, problems: &mut Problems) -> Option<TextMatch> {
    let pattern = check_header_pattern(text, cursor, problems)?;
    let pattern = pattern.with_literal(pattern.literal().to_ascii_lowercase());
    let is_possible = pattern
        .literal()
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'/' | b'?' | b'#' | b'@'));
    if !is_possible {
        problems.report(
            code::INVALID_VALUE,
            cursor,
            format!("no request has the host `{text}`"),
            "use the host as clients send it, such as `cart.shop:7070`, without scheme or path",
        );
        return None;
    }
    Some(pattern)
}

/// The characters of an HTTP token (RFC 9110, section 5.6.2) except lower-case letters: a
/// lower-case method is legal, but never intended.
fn is_method_byte(byte: u8) -> bool {
    byte.is_ascii_uppercase()
        || byte.is_ascii_digit()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

#[cfg(test)]
mod tests;
