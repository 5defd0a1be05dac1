//! The namespace in a SPIFFE ID, as both enforcement points see it.
//!
//! Istio writes IDs as `spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/NAME`. RBAC compares a namespace with
//! the start of an ID, including the slash after it. For a pattern with a leading `*`, it searches
//! the text after the first `/ns/` (`AuthorizationPolicy`, `namespaces`). This module does the
//! same, so that both treat IDs of any other form alike.

use crate::identity::SpiffeId;
use crate::matching::TextMatch;
use crate::substring::find;

/// What stands before a namespace.
const NAMESPACE: &str = "/ns/";

/// The segment of an ID at the position of a namespace, including the slash after it, if there is
/// one.
pub fn namespace_part<'i>(id: &SpiffeId<'i>) -> Option<&'i str> {
    let rest = id.path().strip_prefix(NAMESPACE)?;
    Some(rest.split_inclusive('/').next().unwrap_or_default())
}

/// The pattern for that segment that is equivalent to `namespace`; `None` if it has a leading `*`.
pub fn part_pattern(namespace: &TextMatch) -> Option<TextMatch> {
    match namespace {
        TextMatch::Any => Some(TextMatch::Any),
        TextMatch::Exact(name) => Some(TextMatch::Exact(format!("{name}/").into())),
        TextMatch::Prefix(start) => Some(TextMatch::Prefix(start.clone())),
        TextMatch::Suffix(_) => None,
    }
}

/// The texts between the first `/ns/` of an ID and each later slash, which a namespace suffix may
/// match.
pub fn namespace_ends<'i>(id: &SpiffeId<'i>) -> impl Iterator<Item = &'i str> {
    let id = id.as_str();
    let start = find(id, NAMESPACE).map(|start| start + NAMESPACE.len());
    let rest = start.and_then(|start| id.get(start..)).unwrap_or_default();
    let slashes = rest.match_indices('/');
    slashes.filter_map(|(position, _)| rest.get(..position))
}

/// Whether a namespace in `id` has the suffix `end`.
pub(crate) fn has_namespace_end(id: &SpiffeId<'_>, end: &str) -> bool {
    namespace_ends(id).any(|text| text.ends_with(end))
}

/// Whether `id` is in a namespace that matches the pattern.
pub fn is_in_namespace(id: &SpiffeId<'_>, namespace: &TextMatch) -> bool {
    match part_pattern(namespace) {
        Some(pattern) => namespace_part(id).is_some_and(|part| pattern.matches(part.as_bytes())),
        None => has_namespace_end(id, namespace.literal()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_a_namespace_up_to_a_slash() {
        let cases = [
            ("/ns/a/sa/b", Some("a/")),
            ("/ns/A_b/sa/b.c", Some("A_b/")),
            ("/ns/a/sa/b/c", Some("a/")),
            ("/ns/a/b/sa/c", Some("a/")),
            ("/ns/a", Some("a")),
            ("/x/ns/a/sa/b", None),
            ("/ns", None),
            ("/NS/a/sa/b", None),
            ("/nsx/a/sa/b", None),
        ];
        for (path, expected) in cases {
            let id = format!("spiffe://td{path}");
            let id = SpiffeId::parse(id.as_bytes()).unwrap();
            assert_eq!(namespace_part(&id), expected, "{path}");
        }
    }

    #[test]
    fn searches_suffixes_after_the_first_ns() {
        for (path, is_found) in [
            ("/ns/a-prod/sa/b", true),
            ("/x/ns/-prod/y", true),
            ("/ns/a/x-prod/b", true),
            ("/ns/a-prod", false),
            ("/ns/a-prods/sa/b", false),
            ("/a-prod/ns/b", false),
            ("/a-prod/b", false),
        ] {
            let id = format!("spiffe://td{path}");
            let id = SpiffeId::parse(id.as_bytes()).unwrap();
            assert_eq!(has_namespace_end(&id, "-prod"), is_found, "{path}");
        }
    }

    #[test]
    fn finds_overlapping_suffixes() {
        let id = SpiffeId::parse(b"spiffe://td/ns/x-a-a-a/sa/b").unwrap();
        assert!(has_namespace_end(&id, "-a-a"));
    }
}
