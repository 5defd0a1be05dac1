//! Reports sources that can never match.

use ipnet::IpNet;

use crate::code;
use crate::identity::SpiffeId;
use crate::matching::{TextCover, TextMatch};
use crate::policy::{Mesh, WHOLE_CERTIFICATE};
use crate::problem::{Cursor, Problems};
use crate::rule::namespace::{namespace_ends, namespace_part, part_pattern};
use crate::rule::{CertificateMatch, Source, Terms};
use crate::rule_spec::Effect;

use super::excluded::{Blocks, Certificates, SameValue};
use super::open_exclusions::{self, OpenExclusions};
use super::{foreign_syntax, values};

/// Reports the parts of `source` that can never match in `mesh`, in a rule of this effect. Callers
/// without an identity exist only if `accepts_plaintext`.
pub(super) fn check(
    source: &Source,
    effect: Effect,
    mesh: &Mesh,
    accepts_plaintext: bool,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    if source.anonymous && !accepts_plaintext {
        problems.report(
            code::NEVER_MATCHES,
            &cursor.key("anonymous"),
            "no caller is anonymous here: the workload only accepts mutual TLS",
            "remove this source, or add an exception for the workload to the `mtls` of the `Mesh`",
        );
    }
    check_client_certificates(source, mesh, cursor, problems);
    let mut blocks = |keys, blocks: &Terms<Vec<IpNet>>| {
        let excluding = Blocks::new(&blocks.none_of);
        let first = |block: &IpNet| excluding.first(block);
        values::check(keys, blocks, first, cursor, problems);
    };
    blocks(["ipBlocks", "notIpBlocks"], &source.ip_blocks);
    blocks(
        ["remoteIpBlocks", "notRemoteIpBlocks"],
        &source.remote_ip_blocks,
    );
    let tokens = &source.request_principals;
    let excluding = SameValue::new(tokens.none_of.iter().enumerate());
    for (key, principals) in [
        ("requestPrincipals", &tokens.any_of),
        ("notRequestPrincipals", &tokens.none_of),
    ] {
        foreign_syntax::check_request_principals(principals, &cursor.key(key), problems);
    }
    values::check(
        ["requestPrincipals", "notRequestPrincipals"],
        tokens,
        |principal| excluding.first(principal),
        cursor,
        problems,
    );
    let mut texts = |keys, texts: &Terms<Vec<TextMatch>>| {
        let cover = TextCover::new(texts.none_of.iter().enumerate());
        let first = |value: &TextMatch| cover.first(value);
        values::check(keys, texts, first, cursor, problems);
    };
    texts(["namespaces", "notNamespaces"], &source.namespaces);
    texts(["trustDomains", "notTrustDomains"], &source.trust_domains);
    for (key, principals) in [
        ("principals", &source.principals.any_of),
        ("notPrincipals", &source.principals.none_of),
    ] {
        values::check_duplicates(principals, &cursor.key(key), problems);
    }
    for (key, accounts) in [
        ("serviceAccounts", &source.service_accounts.any_of),
        ("notServiceAccounts", &source.service_accounts.none_of),
    ] {
        values::check_duplicates(accounts, &cursor.key(key), problems);
    }
    let excluding = Certificates::new(&source.client_certificates.none_of);
    values::check(
        ["clientCertificates", "notClientCertificates"],
        &source.client_certificates,
        |certificate| excluding.first(certificate),
        cursor,
        problems,
    );
    check_excluded_identities(source, mesh, cursor, problems);
    check_namespaces_of_principals(source, cursor, problems);
    open_exclusions::check(&open_exclusions(source), effect, cursor, problems);
}

fn open_exclusions(source: &Source) -> OpenExclusions {
    let any = |patterns: &[TextMatch]| patterns.iter().position(TextMatch::is_any);
    vec![
        ("notPrincipals", any(&source.principals.none_of)),
        ("notNamespaces", any(&source.namespaces.none_of)),
        ("notTrustDomains", any(&source.trust_domains.none_of)),
        (
            "notClientCertificates",
            source
                .client_certificates
                .none_of
                .iter()
                .position(|certificate| *certificate == CertificateMatch::Any),
        ),
    ]
}

/// Older versions do not show the whole certificate to filters, so some names are missing.
fn check_client_certificates(
    source: &Source,
    mesh: &Mesh,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    if source.uses_client_certificate() && !mesh.shows_whole_certificates() {
        problems.report(
            code::UNSUPPORTED_BY_ISTIO,
            cursor,
            format!(
                "gateways of Istio {} do not expose the whole client certificate to filters",
                mesh.istio_version
            ),
            format!("upgrade to {WHOLE_CERTIFICATE} first"),
        );
    }
}

/// Reports principals and service accounts that the source also excludes, under each trust domain.
fn check_excluded_identities(
    source: &Source,
    mesh: &Mesh,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    let excluded = source.not_principals_in(&mesh.trust_domains);
    let excluded = TextCover::new(excluded.iter().enumerate());
    let mut check = |key, index, written: String, only: Source| {
        let names = only.principals_in(&mesh.trust_domains);
        if names.iter().all(|name| excluded.first(name).is_some()) {
            problems.report(
                code::NEVER_MATCHES,
                &cursor.key(key).index(index),
                format!("`{written}` never matches: this source excludes it"),
                "remove it, or narrow `notPrincipals` or `notServiceAccounts`",
            );
        }
    };
    for (index, principal) in source.principals.any_of.iter().enumerate() {
        let only = Source {
            principals: Terms {
                any_of: vec![principal.clone()],
                none_of: Vec::new(),
            },
            ..Source::default()
        };
        check("principals", index, principal.to_string(), only);
    }
    for (index, account) in source.service_accounts.any_of.iter().enumerate() {
        let only = Source {
            service_accounts: Terms {
                any_of: vec![account.clone()],
                none_of: Vec::new(),
            },
            ..Source::default()
        };
        check("serviceAccounts", index, account.to_string(), only);
    }
}

/// Reports a principal that is in none of the namespaces of the same source.
fn check_namespaces_of_principals(source: &Source, cursor: &Cursor<'_>, problems: &mut Problems) {
    if source.namespaces.any_of.is_empty() {
        return;
    }
    let namespaces = source.namespaces.any_of.iter();
    let parts: Vec<_> = namespaces.clone().filter_map(part_pattern).collect();
    let parts = TextCover::new(parts.iter().enumerate());
    let is_in = |cover: &TextCover<'_>, text: &str| {
        !text.is_empty() && cover.first(&TextMatch::Exact(text.into())).is_some()
    };
    let ends = namespaces.filter(|namespace| matches!(namespace, TextMatch::Suffix(_)));
    let ends = TextCover::new(ends.enumerate());
    let principals = cursor.key("principals");
    for (index, principal) in source.principals.any_of.iter().enumerate() {
        let TextMatch::Exact(id) = principal else {
            continue;
        };
        let is_possible = SpiffeId::parse(id.as_bytes()).is_ok_and(|id| {
            namespace_part(&id).is_some_and(|part| is_in(&parts, part))
                || namespace_ends(&id).any(|text| is_in(&ends, text))
        });
        if !is_possible {
            problems.report(
                code::NEVER_MATCHES,
                &principals.index(index),
                format!("`{principal}` is in none of this source's `namespaces`"),
                "all fields of a source must match; use two sources if either should suffice",
            );
        }
    }
}
