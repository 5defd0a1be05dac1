//! The namespace in a SPIFFE ID, as both enforcement points can tell it.
//!
//! Istio writes IDs as `spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/NAME`. To RBAC a namespace is the
//! beginning of an ID up to the slash after it, or for a pattern with an open beginning a place
//! after the first `/ns/` (`AuthorizationPolicy`, `namespaces`). The same is looked for here, so
//! that IDs of any other form are seen alike.

use crate::identity::SpiffeId;
use crate::matching::TextMatch;

/// What an ID has in the place of a namespace: with the slash after it, if there is one.
pub(crate) fn namespace_part<'i>(id: &SpiffeId<'i>) -> Option<&'i str> {
    let rest = id.path().strip_prefix("/ns/")?;
    Some(rest.split_inclusive('/').next().unwrap_or_default())
}

/// The pattern over that part which means `namespace`; none where its beginning is open.
pub(crate) fn part_pattern(namespace: &TextMatch) -> Option<TextMatch> {
    match namespace {
        TextMatch::Any => Some(TextMatch::Any),
        TextMatch::Exact(name) => Some(TextMatch::Exact(format!("{name}/").into())),
        TextMatch::Prefix(start) => Some(TextMatch::Prefix(start.clone())),
        TextMatch::Suffix(_) => None,
    }
}

/// Whether a namespace in `id` ends so.
pub(crate) fn has_namespace_end(id: &SpiffeId<'_>, end: &str) -> bool {
    let Some((_, rest)) = id.as_str().split_once("/ns/") else {
        return false;
    };
    rest.match_indices(end).any(|(position, _)| {
        let after = rest.get(position + end.len()..);
        after.is_some_and(|after| after.starts_with('/'))
    })
}

/// Whether `id` is in a namespace of this pattern.
#[cfg(feature = "authoring")]
pub(crate) fn is_in_namespace(id: &SpiffeId<'_>, namespace: &TextMatch) -> bool {
    match part_pattern(namespace) {
        Some(pattern) => namespace_part(id).is_some_and(|part| pattern.matches(part.as_bytes())),
        None => has_namespace_end(id, namespace.literal()),
    }
}
