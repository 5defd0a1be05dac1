//! Client certificates from outside the mesh, selected by their names.

use super::{RuleContext, is_dns_subdomain};
use crate::code;
use crate::identity::{NameKind, SCHEME, SpiffeId, is_trust_domain, looks_like_id};
use crate::matching::TextMatch;
use crate::problem::{Cursor, Problems};
use crate::rule::CertificateMatch;

/// Reads `*` or `KIND:NAME`.
pub(super) fn check(
    text: &str,
    scope: &RuleContext<'_>,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Option<CertificateMatch> {
    if text == "*" {
        return Some(CertificateMatch::Any);
    }
    let name = NameKind::split(text);
    let Some((kind, pattern)) = name.and_then(|(kind, name)| Some((kind, pattern(kind, name)?)))
    else {
        let code = match name {
            Some(_) => code::INVALID_WILDCARD,
            None => code::INVALID_VALUE,
        };
        problems.report(
            code,
            cursor,
            format!("`{text}` is not a client certificate name"),
            "write `*`, `dns:NAME`, `dns:*.NAME`, `uri:URI`, `uri:SCHEME://HOST/*` or `subject:SUBJECT`",
        );
        return None;
    };
    if kind == NameKind::Uri && is_mesh_pattern(&pattern, scope) {
        problems.report(
            code::EXCLUSIVE_FIELDS,
            cursor,
            format!("`{text}` is a mesh identity"),
            "move it to `principals`",
        );
        return None;
    }
    Some(CertificateMatch::Name(kind, pattern))
}

/// The pattern for names of this kind. `None` if it would also match unintended names.
fn pattern(kind: NameKind, name: &str) -> Option<TextMatch> {
    let exact = || TextMatch::Exact(name.into());
    match kind {
        NameKind::Dns => match name.strip_prefix('*') {
            // The wildcard must end before a dot: `*partner.example` would match
            // `evilpartner.example`.
            Some(end) => {
                is_dns_subdomain(end.strip_prefix('.')?).then(|| TextMatch::Suffix(end.into()))
            }
            None => is_dns_subdomain(name).then(exact),
        },
        NameKind::Uri => {
            let literal = name.strip_suffix('*').unwrap_or(name);
            let (scheme, rest) = literal.split_once(':')?;
            let is_good = !scheme.is_empty()
                && literal
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() && byte != b'*');
            if literal.len() == name.len() {
                let is_id = SpiffeId::parse(name.as_bytes()).is_ok();
                return (is_good && (is_id || !looks_like_id(name))).then(exact);
            }
            // The host must be complete: `https://partner.example*` would match
            // `https://partner.example.evil`.
            let (host, _) = rest.strip_prefix("//")?.split_once('/')?;
            let is_good_start = match literal.strip_prefix(SCHEME) {
                Some(_) => is_trust_domain(host),
                None => !host.is_empty() && !looks_like_id(name),
            };
            (is_good && is_good_start).then(|| TextMatch::Prefix(literal.into()))
        }
        // No wildcards: an attacker who chooses part of a subject can add an escaped comma.
        NameKind::Subject => {
            let has_attribute = name.split_once('=').is_some_and(|(key, _)| !key.is_empty());
            (has_attribute && !name.contains('*') && !name.contains(char::is_control)).then(exact)
        }
    }
}

/// Whether the pattern is about SPIFFE IDs of the mesh.
fn is_mesh_pattern(uris: &TextMatch, scope: &RuleContext<'_>) -> bool {
    let trust_domain = uris
        .literal()
        .strip_prefix(SCHEME)
        .and_then(|rest| rest.split('/').next());
    trust_domain.is_some_and(|name| {
        scope
            .trust_domains
            .is_some_and(|known| known.contains(name))
    })
}
