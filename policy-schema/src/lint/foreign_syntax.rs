//! Reports values in the syntax of another tool, which Istio takes literally.

use crate::code;
use crate::matching::{PathMatch, TextMatch};
use crate::problem::{Cursor, Problems};
use crate::rule::RequestPrincipal;

/// Issuers whose `iss` ends with a slash, by host suffix and whether a path precedes the slash:
/// Auth0, and Microsoft's v1.0 tokens.
const ISSUERS_WITH_SLASH: [(&str, bool); 2] = [(".auth0.com", false), ("sts.windows.net", true)];

/// Reports a path that looks like a template or a regular expression of another tool. `lets_pass`
/// tells whether requests with a matching path may pass.
pub(super) fn check_path(
    path: &PathMatch,
    lets_pass: bool,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    let PathMatch::Text(pattern) = path else {
        return;
    };
    let text = pattern.literal();
    let is_prefix = matches!(pattern, TextMatch::Prefix(_));
    let parameter = text.split('/').find(|segment| is_parameter(segment));
    let expression = text.split('/').find(|segment| is_expression(segment));
    let (part, instead) = if let Some(parameter) = parameter {
        (parameter.to_owned(), "use `{*}` for one segment")
    } else if let Some(expression) = expression {
        (
            expression.to_owned(),
            "paths are not regular expressions; use `{*}` for one segment",
        )
    } else if is_prefix && lets_pass && text.ends_with("/.") {
        (
            ".*".to_owned(),
            "paths are not regular expressions; use `*` at the end for any suffix",
        )
    } else if text.ends_with('$') {
        (
            "$".to_owned(),
            "paths are not regular expressions; without `*`, a path is compared as a whole",
        )
    } else {
        return;
    };
    problems.report(
        code::FOREIGN_SYNTAX,
        cursor,
        format!("`{part}` is compared literally"),
        instead,
    );
}

/// A segment such as `:id`.
fn is_parameter(segment: &str) -> bool {
    let name = segment.strip_prefix(':').unwrap_or_default();
    let is_name_char = |char: char| char.is_ascii_alphanumeric() || char == '_';
    name.starts_with(|char: char| char.is_ascii_alphabetic()) && name.chars().all(is_name_char)
}

/// A segment such as `[0-9]+`, `[^/]*` cut at its slash, or `(\d+)`.
fn is_expression(segment: &str) -> bool {
    let is_class = segment
        .split_once('[')
        .and_then(|(_, rest)| rest.split_once(']'))
        .is_some_and(|(class, after)| {
            let is_range = class.contains('-') || class.starts_with('^');
            is_range || after.starts_with(['+', '?'])
        });
    let is_repeated = segment.contains(".+") || segment.contains(")+");
    is_class || is_repeated || segment.starts_with("[^")
}

/// Reports request principals whose subject has a slash, and issuers that lack their trailing
/// slash.
pub(super) fn check_request_principals(
    principals: &[RequestPrincipal],
    list: &Cursor<'_>,
    problems: &mut Problems,
) {
    for (index, principal) in principals.iter().enumerate() {
        let TextMatch::Exact(issuer) = &principal.issuer else {
            continue;
        };
        let schemes = issuer.match_indices("://").count();
        let (message, help) = if schemes > 1 {
            (
                format!("the last slash ends the issuer, so the issuer here is `{issuer}`"),
                "for a subject with slashes, use conditions on `request.auth.claims[iss]` and `request.auth.claims[sub]`".to_owned(),
            )
        } else if lacks_slash(issuer) {
            (
                format!("the issuer `{issuer}` ends with a slash in its tokens"),
                format!("write `{issuer}//{}`", principal.subject),
            )
        } else {
            continue;
        };
        problems.report(code::FOREIGN_SYNTAX, &list.index(index), message, help);
    }
}

/// Whether this issuer belongs to a provider whose tokens have a trailing slash.
fn lacks_slash(issuer: &str) -> bool {
    let rest = issuer.strip_prefix("https://").unwrap_or_default();
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    ISSUERS_WITH_SLASH.iter().any(|(end, has_path)| {
        host.ends_with(end) && path.is_empty() != *has_path && !issuer.ends_with('/')
    })
}
