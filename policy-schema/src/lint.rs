//! What documents hardly mean: values that can never match in this mesh, and mistakes that only show across
//! documents.
//!
//! A rule, or a value of it, that no request can match is a mistake about who may call what, and an error. What
//! is found [together](together) is a warning.

mod callers;
mod covered;
mod declared;
mod evadable_path;
mod excluded;
mod foreign_syntax;
mod found;
mod near;
mod pass;
mod paths;
mod ports;
mod rule_cover;
mod sample;
mod together;
mod unknown_callers;
mod unknown_labels;
mod unknown_providers;
mod unknown_targets;
mod wide;

use std::collections::HashSet;

use ipnet::IpNet;

use crate::code;
use crate::identity::SpiffeId;
use crate::matching::arrival::HeaderArrival;
use crate::matching::header::Separator;
use crate::matching::{PathCover, PathMatch, Reading, TextCover, TextMatch};
use crate::policy::{IstioVersion, Mesh, WHOLE_CERTIFICATE};
use crate::problem::{Cursor, Problems};
use crate::rule::namespace::{namespace_ends, namespace_part, part_pattern};
use crate::rule::{CertificateMatch, Condition, Operation, Rule, Source, Terms, Test};
use crate::rule_spec::{ConditionSpec, Effect};
use crate::timestamp::Timestamp;

use excluded::{Blocks, Certificates, SameValue};
use found::Found;

pub(crate) use together::lint_together;

/// The one of `names` that was probably meant by `name`, which is none of them. Of very many, the first are looked at.
pub(crate) fn closest<'n>(name: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let names = names.into_iter().take(near::MAX_COMPARED);
    near::Names::of(names).closest(name)
}

/// Since this version Istio leaves the claims of a JWT in the metadata of Envoy's own JWT filter.
const JWT_METADATA: IstioVersion = IstioVersion::minor(21);

/// Reports what of `rule` can never match in `mesh` from the time `at` on, where callers without an
/// identity come only if `takes_plaintext`.
pub(crate) fn lint_rule(
    rule: &Rule,
    mesh: &Mesh,
    takes_plaintext: bool,
    at: Timestamp,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    if let Some(end) = rule.validity.not_after
        && end <= at
    {
        problems.report(
            code::EXPIRED_RULE,
            &cursor.key("notAfter"),
            format!("rule `{}` expired at {end}", rule.id),
            "remove the rule, or give it a later `notAfter`: an expired rule never matches",
        );
    }
    let from = cursor.key("from");
    for (index, source) in rule.sources.iter().enumerate() {
        lint_source(source, mesh, takes_plaintext, &from.index(index), problems);
        lint_open_exclusions(
            &excluded_by_source(source),
            rule.effect,
            &from.index(index),
            problems,
        );
    }
    let when = cursor.key("when");
    for (index, condition) in rule.conditions.iter().enumerate() {
        lint_condition(condition, rule.effect, mesh, &when.index(index), problems);
    }
    lint_jwt(rule, mesh, cursor, problems);
    let to = cursor.key("to");
    for (index, operation) in rule.operations.iter().enumerate() {
        lint_operation(operation, rule.effect, mesh, &to.index(index), problems);
        lint_open_exclusions(
            &excluded_by_operation(operation),
            rule.effect,
            &to.index(index),
            problems,
        );
    }
}

/// The lists of exclusions that a `*` may stand in, with its position.
type OpenExclusions = Vec<(&'static str, Option<usize>)>;

fn excluded_by_source(source: &Source) -> OpenExclusions {
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

fn excluded_by_operation(operation: &Operation) -> OpenExclusions {
    let any = |patterns: &[TextMatch]| patterns.iter().position(TextMatch::is_any);
    let any_path = PathMatch::Text(TextMatch::Any);
    let mut paths = operation.paths.none_of.iter();
    vec![
        ("notMethods", any(&operation.methods.none_of)),
        ("notPaths", paths.position(|path| *path == any_path)),
        ("notHosts", any(&operation.hosts.none_of)),
    ]
}

/// A `*` that excludes everything from an `Allow` rule. A `Deny` rule then takes what has no such
/// attribute.
fn lint_open_exclusions(
    lists: &OpenExclusions,
    effect: Effect,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    for &(key, position) in lists {
        let (Effect::Allow, Some(index)) = (effect, position) else {
            continue;
        };
        problems.report(
            code::NEVER_MATCHES,
            &cursor.key(key).index(index),
            format!("`{key}` excludes everything"),
            "narrow it; callers without any identity are named by a source `anonymous: true`",
        );
    }
}

/// Whether what a rule of this effect excludes takes back every spelling of the same value. One that stops
/// requests matches more spellings than it excludes.
fn excludes_spellings(is_any: bool, effect: Effect) -> bool {
    is_any || Reading::of_exclusions(effect) == Reading::Wide
}

/// Values that are excluded again, and values that stand twice.
fn lint_condition(
    condition: &Condition,
    effect: Effect,
    mesh: &Mesh,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    let ConditionSpec {
        values, not_values, ..
    } = condition.into();
    let written = Terms {
        any_of: values.unwrap_or_default(),
        none_of: not_values.unwrap_or_default(),
    };
    let Terms {
        any_of: values,
        none_of: not_values,
    } = written.as_ref();
    if let Test::Header { name, .. } = &condition.test
        && HeaderArrival::of(name) == HeaderArrival::Removed
    {
        let outcome = if values.is_empty() {
            "always holds"
        } else {
            "never holds"
        };
        problems.report(
            code::HEADER_NEVER_ARRIVES,
            &cursor.key("key"),
            format!("proxies remove `{name}` from every request, so this condition {outcome}"),
            "remove the condition, or ask for a header that the client sends end to end",
        );
    }
    if let Test::Header { name, .. } = &condition.test {
        lint_lists_in_headers(name, [values, not_values], effect, cursor, problems);
        if &**name == ":path" {
            lint_paths_in_header(values, mesh, &cursor.key("values"), problems);
            lint_paths_in_header(not_values, mesh, &cursor.key("notValues"), problems);
        }
    }
    let is_spelled_freely = matches!(condition.test, Test::Header { .. } | Test::ServerName(_));
    let excluding = not_values
        .iter()
        .enumerate()
        .filter(|(_, excluded)| !is_spelled_freely || excludes_spellings(*excluded == "*", effect));
    let excluding = SameValue::of(excluding);
    lint_values(
        ["values", "notValues"],
        &written,
        |value| excluding.first(value),
        cursor,
        problems,
    );
    let excludes_all = not_values.iter().position(|value| value == "*");
    if let (Effect::Allow, Some(index), Test::Caller(source)) =
        (effect, excludes_all, &condition.test)
        && source.asks_for_identity()
    {
        problems.report(
            code::NEVER_MATCHES,
            &cursor.key("notValues").index(index),
            format!("the condition on `{}` excludes everything", condition.key),
            "narrow it; callers without any identity are named by a source `anonymous: true`",
        );
    }
}

fn lint_paths_in_header(
    values: &[String],
    mesh: &Mesh,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    for (index, value) in values.iter().enumerate() {
        if let Ok(pattern) = TextMatch::parse(value) {
            paths::check_header(&pattern, mesh, &cursor.index(index), problems);
        }
    }
}

/// Reports patterns of the header `name` that no value of it ever has where each value must match.
fn lint_lists_in_headers(
    name: &str,
    lists: [&[String]; 2],
    effect: Effect,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    let must_all_match = [
        Reading::of_values(effect) == Reading::Narrow,
        Reading::of_exclusions(effect) == Reading::Narrow,
    ];
    let separator = Separator::of_header(name);
    let lists = ["values", "notValues"]
        .into_iter()
        .zip(lists)
        .zip(must_all_match);
    for ((field, values), _) in lists.filter(|(_, must_all_match)| *must_all_match) {
        for (index, value) in values.iter().enumerate() {
            let pattern = TextMatch::parse(value);
            if pattern.is_ok_and(|pattern| separator.is_in_open_pattern(&pattern)) {
                problems.report(
                    code::NEVER_MATCHES,
                    &cursor.key(field).index(index),
                    format!("no value of `{name}` matches `{value}`: each part between commas is compared by itself"),
                    "write the parts as values of their own, or the whole value without `*`",
                );
            }
        }
    }
}

/// Before, Istio left the claims of a JWT where the filter does not look for them.
fn lint_jwt(rule: &Rule, mesh: &Mesh, cursor: &Cursor<'_>, problems: &mut Problems) {
    if mesh.istio_version >= JWT_METADATA {
        return;
    }
    let mut report = |cursor: &Cursor<'_>| {
        problems.report(
            code::UNSUPPORTED_BY_ISTIO,
            cursor,
            format!(
                "Istio {} does not leave the JWT where the filter can read it",
                mesh.istio_version
            ),
            format!("it does from {JWT_METADATA} on; decide by identities, or upgrade first"),
        );
    };
    let from = cursor.key("from");
    for (index, source) in rule.sources.iter().enumerate() {
        if source.asks_for_request_principal() {
            report(&from.index(index));
        }
    }
    let when = cursor.key("when");
    for (index, condition) in rule.conditions.iter().enumerate() {
        let asks = match &condition.test {
            Test::Caller(source) => source.asks_for_request_principal(),
            Test::Metadata { key, .. } => key.is_claim(),
            _ => false,
        };
        if asks {
            report(&when.index(index).key("key"));
        }
    }
}

fn lint_source(
    source: &Source,
    mesh: &Mesh,
    takes_plaintext: bool,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    if source.anonymous && !takes_plaintext {
        problems.report(
            code::NEVER_MATCHES,
            &cursor.key("anonymous"),
            "no caller is ever anonymous here: the workload accepts mutual TLS only",
            "remove this source, or add an exception for the workload to the `mtls` of the `Mesh`",
        );
    }
    lint_client_certificates(source, mesh, cursor, problems);
    let mut blocks = |keys, blocks: &Terms<Vec<IpNet>>| {
        let excluding = Blocks::of(&blocks.none_of);
        let first = |block: &IpNet| excluding.first(block);
        lint_values(keys, blocks, first, cursor, problems);
    };
    blocks(["ipBlocks", "notIpBlocks"], &source.ip_blocks);
    blocks(
        ["remoteIpBlocks", "notRemoteIpBlocks"],
        &source.remote_ip_blocks,
    );
    let tokens = &source.request_principals;
    let excluding = SameValue::of(tokens.none_of.iter().enumerate());
    for (key, principals) in [
        ("requestPrincipals", &tokens.any_of),
        ("notRequestPrincipals", &tokens.none_of),
    ] {
        foreign_syntax::check_request_principals(principals, &cursor.key(key), problems);
    }
    lint_values(
        ["requestPrincipals", "notRequestPrincipals"],
        tokens,
        |principal| excluding.first(principal),
        cursor,
        problems,
    );
    let mut texts = |keys, texts: &Terms<Vec<TextMatch>>| {
        let cover = TextCover::of(texts.none_of.iter().enumerate());
        let first = |value: &TextMatch| cover.first(value);
        lint_values(keys, texts, first, cursor, problems);
    };
    texts(["namespaces", "notNamespaces"], &source.namespaces);
    texts(["trustDomains", "notTrustDomains"], &source.trust_domains);
    for (key, principals) in [
        ("principals", &source.principals.any_of),
        ("notPrincipals", &source.principals.none_of),
    ] {
        lint_duplicates(principals, &cursor.key(key), problems);
    }
    for (key, accounts) in [
        ("serviceAccounts", &source.service_accounts.any_of),
        ("notServiceAccounts", &source.service_accounts.none_of),
    ] {
        lint_duplicates(accounts, &cursor.key(key), problems);
    }
    let excluding = Certificates::of(&source.client_certificates.none_of);
    lint_values(
        ["clientCertificates", "notClientCertificates"],
        &source.client_certificates,
        |certificate| excluding.first(certificate),
        cursor,
        problems,
    );
    lint_excluded_identities(source, mesh, cursor, problems);
    lint_namespaces_of_principals(source, cursor, problems);
}

/// Before, filters could not read the whole certificate, and so not all of its names.
fn lint_client_certificates(
    source: &Source,
    mesh: &Mesh,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    if source.asks_for_client_certificate() && !mesh.shows_whole_certificates() {
        problems.report(
            code::UNSUPPORTED_BY_ISTIO,
            cursor,
            format!(
                "the gateways of Istio {} do not show filters the whole certificate of a client",
                mesh.istio_version
            ),
            format!("those of {WHOLE_CERTIFICATE} do; upgrade first"),
        );
    }
}

/// Principals and service accounts that the source excludes again, under each of their names.
fn lint_excluded_identities(
    source: &Source,
    mesh: &Mesh,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    let excluded = source.not_principals_in(&mesh.trust_domains);
    let excluded = TextCover::of(excluded.iter().enumerate());
    let mut lint = |key, index, written: String, only: Source| {
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
        lint("principals", index, principal.to_string(), only);
    }
    for (index, account) in source.service_accounts.any_of.iter().enumerate() {
        let only = Source {
            service_accounts: Terms {
                any_of: vec![account.clone()],
                none_of: Vec::new(),
            },
            ..Source::default()
        };
        lint("serviceAccounts", index, account.to_string(), only);
    }
}

/// A principal that belongs to none of the namespaces beside it.
fn lint_namespaces_of_principals(source: &Source, cursor: &Cursor<'_>, problems: &mut Problems) {
    if source.namespaces.any_of.is_empty() {
        return;
    }
    let namespaces = source.namespaces.any_of.iter();
    let parts: Vec<_> = namespaces.clone().filter_map(part_pattern).collect();
    let parts = TextCover::of(parts.iter().enumerate());
    let is_in = |cover: &TextCover<'_>, text: &str| {
        !text.is_empty() && cover.first(&TextMatch::Exact(text.into())).is_some()
    };
    let ends = namespaces.filter(|namespace| matches!(namespace, TextMatch::Suffix(_)));
    let ends = TextCover::of(ends.enumerate());
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
                "the fields of a source must all match; make two sources of it if either will do",
            );
        }
    }
}

fn lint_operation(
    operation: &Operation,
    effect: Effect,
    mesh: &Mesh,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    let Operation {
        methods,
        paths,
        hosts,
        ports,
    } = operation;
    let cover = TextCover::of(methods.none_of.iter().enumerate());
    lint_values(
        ["methods", "notMethods"],
        methods,
        |method| cover.first(method),
        cursor,
        problems,
    );
    let excluding = hosts.none_of.iter().enumerate();
    let excluding = excluding.filter(|(_, excluded)| excludes_spellings(excluded.is_any(), effect));
    let cover = TextCover::of(excluding);
    lint_values(
        ["hosts", "notHosts"],
        hosts,
        |host| cover.first(host),
        cursor,
        problems,
    );
    let cover = PathCover::of(&paths.none_of, Reading::of_exclusions(effect));
    lint_values(
        ["paths", "notPaths"],
        paths,
        |path| cover.first(path),
        cursor,
        problems,
    );
    let excluding = SameValue::of(ports.none_of.iter().enumerate());
    lint_values(
        ["ports", "notPorts"],
        ports,
        |port| excluding.first(port),
        cursor,
        problems,
    );
    for (key, paths) in [("paths", &paths.any_of), ("notPaths", &paths.none_of)] {
        let cursor = cursor.key(key);
        for (index, path) in paths.iter().enumerate() {
            paths::check(path, mesh, &cursor.index(index), problems);
            foreign_syntax::check_path(
                path,
                key == "paths" && effect == Effect::Allow,
                &cursor.index(index),
                problems,
            );
        }
    }
}

/// Values that the `not…` twin takes back, and values that stand twice.
fn lint_values<V: ToString>(
    [key, not_key]: [&'static str; 2],
    Terms {
        any_of: values,
        none_of: excluded,
    }: &Terms<Vec<V>>,
    first_excluding: impl Fn(&V) -> Option<usize>,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    let at = cursor.key(key);
    for (index, value) in values.iter().enumerate() {
        let excluding = first_excluding(value).and_then(|position| excluded.get(position));
        if let Some(excluding) = excluding {
            problems.report(
                code::NEVER_MATCHES,
                &at.index(index),
                format!(
                    "`{}` never matches: `{not_key}` has `{}`",
                    value.to_string(),
                    excluding.to_string()
                ),
                format!("remove it from `{key}`, or narrow `{not_key}`"),
            );
        }
    }
    lint_duplicates(values, &at, problems);
    lint_duplicates(excluded, &cursor.key(not_key), problems);
}

fn lint_duplicates<V: ToString>(values: &[V], cursor: &Cursor<'_>, problems: &mut Problems) {
    let mut seen = HashSet::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        if !seen.insert(value.to_string()) {
            problems.report(
                code::DUPLICATE_VALUE,
                &cursor.index(index),
                format!(
                    "this is `{}`, which stands in this list already",
                    value.to_string()
                ),
                "remove one of them",
            );
        }
    }
}
