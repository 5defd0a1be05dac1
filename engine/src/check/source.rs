//! Callers: SPIFFE IDs, service accounts, namespaces, trust domains, JWTs and addresses.

use super::ip_block::check_ip_block;
use super::{
    CheckText, RuleContext, check_pattern, check_texts, client_certificate, is_dns_label,
    is_object_name,
};
use crate::code;
use crate::identity::{
    SCHEME, SpiffeId, SpiffeIdError, TrustDomains, is_path_byte, is_path_segment, is_trust_domain,
    is_trust_domain_byte,
};
use crate::matching::TextMatch;
use crate::problem::{Cursor, Problems};
use crate::rule::{InvalidRequestPrincipal, RequestPrincipal, ServiceAccount, Source, Terms};
use crate::rule_spec::SourceSpec;
use crate::substring::find;

pub(super) fn check(
    spec: &SourceSpec,
    scope: &RuleContext<'_>,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Option<Source> {
    let before = problems.count();
    check_combination(spec, cursor, problems);
    let principal = |text: &str, cursor: &Cursor<'_>, problems: &mut Problems| {
        check_principal(text, scope, cursor, problems)
    };
    let account = |text: &str, cursor: &Cursor<'_>, problems: &mut Problems| {
        check_service_account(text, scope, cursor, problems)
    };
    let trust_domain = |text: &str, cursor: &Cursor<'_>, problems: &mut Problems| {
        check_trust_domain(text, scope, cursor, problems)
    };
    let certificate = |text: &str, cursor: &Cursor<'_>, problems: &mut Problems| {
        client_certificate::check(text, scope, cursor, problems)
    };
    check_gateway_only(spec, scope, cursor, problems);
    let mut list = SourceLists { cursor, problems };
    let source = Source {
        anonymous: spec.anonymous == Some(true),
        client_certificates: list.read(
            (&spec.client_certificates, "clientCertificates"),
            (&spec.not_client_certificates, "notClientCertificates"),
            &certificate,
        ),
        principals: list.read(
            (&spec.principals, "principals"),
            (&spec.not_principals, "notPrincipals"),
            &principal,
        ),
        service_accounts: list.read(
            (&spec.service_accounts, "serviceAccounts"),
            (&spec.not_service_accounts, "notServiceAccounts"),
            &account,
        ),
        namespaces: list.read(
            (&spec.namespaces, "namespaces"),
            (&spec.not_namespaces, "notNamespaces"),
            &check_namespace,
        ),
        trust_domains: list.read(
            (&spec.trust_domains, "trustDomains"),
            (&spec.not_trust_domains, "notTrustDomains"),
            &trust_domain,
        ),
        request_principals: list.read(
            (&spec.request_principals, "requestPrincipals"),
            (&spec.not_request_principals, "notRequestPrincipals"),
            &check_request_principal,
        ),
        ip_blocks: list.read(
            (&spec.ip_blocks, "ipBlocks"),
            (&spec.not_ip_blocks, "notIpBlocks"),
            &check_ip_block,
        ),
        remote_ip_blocks: list.read(
            (&spec.remote_ip_blocks, "remoteIpBlocks"),
            (&spec.not_remote_ip_blocks, "notRemoteIpBlocks"),
            &check_ip_block,
        ),
    };
    (problems.count() == before).then_some(source)
}

struct SourceLists<'a, 'p> {
    cursor: &'a Cursor<'a>,
    problems: &'p mut Problems,
}

/// A list as written, with its key.
type WrittenList<'s> = (&'s Option<Vec<String>>, &'static str);

impl SourceLists<'_, '_> {
    fn read<U>(
        &mut self,
        any_of: WrittenList<'_>,
        none_of: WrittenList<'_>,
        check: CheckText<'_, U>,
    ) -> Terms<Vec<U>> {
        let terms = Terms { any_of, none_of };
        terms.map(|(values, key)| {
            check_texts(
                values.as_deref(),
                &self.cursor.key(key),
                self.problems,
                check,
            )
        })
    }
}

/// Checks which fields can be combined.
fn check_combination(spec: &SourceSpec, cursor: &Cursor<'_>, problems: &mut Problems) {
    let identity_fields = [
        &spec.principals,
        &spec.not_principals,
        &spec.service_accounts,
        &spec.not_service_accounts,
        &spec.namespaces,
        &spec.not_namespaces,
        &spec.trust_domains,
        &spec.not_trust_domains,
    ];
    let further_fields = [
        &spec.request_principals,
        &spec.not_request_principals,
        &spec.ip_blocks,
        &spec.not_ip_blocks,
        &spec.remote_ip_blocks,
        &spec.not_remote_ip_blocks,
    ];
    let has_identity_field = identity_fields.iter().any(|field| field.is_some());
    let certificate_field = certificate_field(spec);
    let has_certificate = certificate_field.is_some();
    let has_field =
        has_identity_field || has_certificate || further_fields.iter().any(|field| field.is_some());
    match spec.anonymous {
        Some(false) => problems.report(
            code::INVALID_VALUE,
            &cursor.key("anonymous"),
            "`anonymous: false` has no effect: callers without an identity are excluded anyway",
            "remove the field, or use a separate source with `anonymous: true`",
        ),
        Some(true) if has_identity_field || has_certificate => problems.report(
            code::EXCLUSIVE_FIELDS,
            &cursor.key("anonymous"),
            "a caller cannot be anonymous and have an identity",
            "move `anonymous: true` to a separate source in `from`",
        ),
        None if !has_field => problems.report(
            code::EMPTY_MATCHER,
            cursor,
            "the source is empty",
            "add callers, such as `principals: [\"*\"]` for every mesh identity",
        ),
        Some(true) | None => {}
    }
    if let (Some(field), true) = (certificate_field, has_identity_field) {
        problems.report(
            code::EXCLUSIVE_FIELDS,
            &cursor.key(field),
            "these callers have no mesh identity",
            "to allow either kind of caller, use two sources in `from`; to allow one kind, remove the other fields",
        );
    }
    // Istio has the same restriction: a service account already determines the namespace and the
    // principal except its trust domain.
    if spec.service_accounts.is_some() && (spec.principals.is_some() || spec.namespaces.is_some()) {
        problems.report(
            code::EXCLUSIVE_FIELDS,
            &cursor.key("serviceAccounts"),
            "`serviceAccounts` cannot be combined with `principals` or `namespaces`",
            "write `NAMESPACE/NAME` in `serviceAccounts` and remove the others; a separate source in `from` would match more callers",
        );
    }
}

/// The first field that refers to client certificates from outside the mesh.
fn certificate_field(spec: &SourceSpec) -> Option<&'static str> {
    let positive = spec.client_certificates.as_ref();
    let negated = spec.not_client_certificates.as_ref();
    let positive = positive.map(|_| "clientCertificates");
    positive.or(negated.map(|_| "notClientCertificates"))
}

/// Only gateways receive client certificates from outside the mesh.
fn check_gateway_only(
    spec: &SourceSpec,
    scope: &RuleContext<'_>,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    if let (Some(field), false) = (certificate_field(spec), scope.at_gateway) {
        problems.report(
            code::NEVER_MATCHES,
            &cursor.key(field),
            "only gateways see these certificates, and this policy also applies elsewhere",
            "name a gateway in `targetRefs`, or select one of the `Mesh` by its labels",
        );
    }
}

/// Checks a SPIFFE ID, or a pattern over SPIFFE IDs, with or without the scheme.
pub(super) fn check_principal(
    text: &str,
    scope: &RuleContext<'_>,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Option<TextMatch> {
    let pattern = check_pattern(text, cursor, problems)?;
    let rest = pattern.literal();
    let rest = rest.strip_prefix(SCHEME).unwrap_or(rest);
    let spelt = match &pattern {
        TextMatch::Any => return Some(pattern),
        _ if find(rest, "://").is_some() => Err(SpiffeIdError::Scheme),
        TextMatch::Suffix(suffix) => {
            if suffix.split('/').count() == 5 && !suffix.starts_with('/') {
                problems.report(
                    code::INVALID_WILDCARD,
                    cursor,
                    format!("Istio would extend `{text}` to every trust domain of the mesh"),
                    "start the pattern with `*/`, or write the trust domain in full",
                );
                return None;
            }
            if is_id_end(suffix) {
                return Some(pattern);
            }
            Err(SpiffeIdError::Path)
        }
        TextMatch::Exact(_) => SpiffeId::parse(format!("{SCHEME}{rest}").as_bytes()).map(|_| ()),
        TextMatch::Prefix(_) => check_prefix(rest),
    };
    if let Err(reason) = spelt {
        problems.report(
            code::INVALID_SPIFFE_ID,
            cursor,
            format!("invalid SPIFFE ID `{text}`: {reason}"),
            "write it as `spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/SERVICE-ACCOUNT`",
        );
        return None;
    }
    let trust_domain = rest.split_once('/').map(|(trust_domain, _)| trust_domain);
    let is_foreign = scope.trust_domains.is_some_and(|known| match trust_domain {
        Some(trust_domain) => !known.contains(trust_domain),
        None => !known.iter().any(|known| known.starts_with(rest)),
    });
    if is_foreign {
        report_foreign(text, trust_domain.unwrap_or(rest), scope, cursor, problems);
        return None;
    }
    Some(pattern.with_literal(format!("{SCHEME}{rest}")))
}

/// Checks the beginning of a SPIFFE ID, after the scheme.
fn check_prefix(rest: &str) -> Result<(), SpiffeIdError> {
    let Some((trust_domain, path)) = rest.split_once('/') else {
        return if !rest.is_empty() && rest.bytes().all(is_trust_domain_byte) {
            Ok(())
        } else {
            Err(SpiffeIdError::TrustDomain)
        };
    };
    if !is_trust_domain(trust_domain) {
        return Err(SpiffeIdError::TrustDomain);
    }
    let (whole, cut) = match path.rsplit_once('/') {
        Some((whole, cut)) => (Some(whole), cut),
        None => (None, path),
    };
    let is_path = whole.is_none_or(|whole| whole.split('/').all(is_path_segment))
        && cut.bytes().all(is_path_byte);
    is_path.then_some(()).ok_or(SpiffeIdError::Path)
}

/// Whether a SPIFFE ID can end with `suffix`. Its first segment may be partial, so only the
/// characters are checked.
fn is_id_end(suffix: &str) -> bool {
    let mut parts = suffix.split('/');
    let cut = parts.next().unwrap_or_default();
    cut.bytes().all(is_path_byte) && parts.all(is_path_segment)
}

pub(super) fn check_service_account(
    text: &str,
    scope: &RuleContext<'_>,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Option<ServiceAccount> {
    let account = read_service_account(text, Some(scope.namespace));
    if account.is_none() {
        problems.report(
            code::INVALID_SERVICE_ACCOUNT,
            cursor,
            format!("`{text}` is not a service account"),
            "write `NAMESPACE/NAME`, or `NAME` for one in the policy's namespace; for patterns use `principals`",
        );
    }
    account
}

/// Reads `NAMESPACE/NAME`, or `NAME` if there is a default `namespace`.
pub(crate) fn read_service_account(text: &str, namespace: Option<&str>) -> Option<ServiceAccount> {
    let (namespace, name) = match text.split_once('/') {
        Some(both) => both,
        None => (namespace?, text),
    };
    (is_dns_label(namespace) && is_object_name(name)).then(|| ServiceAccount {
        namespace: namespace.into(),
        name: name.into(),
    })
}

pub(super) fn check_namespace(
    text: &str,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Option<TextMatch> {
    let pattern = check_pattern(text, cursor, problems)?;
    let literal = pattern.literal();
    let is_possible = match &pattern {
        TextMatch::Exact(_) => is_dns_label(literal),
        _ => literal
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
    };
    if !is_possible {
        problems.report(
            code::INVALID_VALUE,
            cursor,
            format!("no namespace can match `{text}`"),
            "use lower-case letters, digits and `-`",
        );
        return None;
    }
    // Istio searches for `/ns/`, any text, the suffix and a slash; that would match
    // `/ns/NAMESPACE/sa/`.
    if matches!(&pattern, TextMatch::Suffix(suffix) if "sa".ends_with(&**suffix)) {
        problems.report(
            code::INVALID_WILDCARD,
            cursor,
            format!("Istio would read `{text}` as every namespace"),
            "use a longer suffix, or name the namespaces",
        );
        return None;
    }
    Some(pattern)
}

pub(super) fn check_trust_domain(
    text: &str,
    scope: &RuleContext<'_>,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Option<TextMatch> {
    let pattern = check_pattern(text, cursor, problems)?;
    if !pattern.literal().bytes().all(is_trust_domain_byte) {
        problems.report(
            code::INVALID_TRUST_DOMAIN,
            cursor,
            format!("invalid trust domain `{text}`"),
            "write only its name, such as `cluster.local`",
        );
        return None;
    }
    let is_foreign = scope
        .trust_domains
        .is_some_and(|known| !known.iter().any(|known| pattern.matches(known.as_bytes())));
    if is_foreign {
        report_foreign(text, text, scope, cursor, problems);
        return None;
    }
    Some(pattern)
}

pub(super) fn check_request_principal(
    text: &str,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Option<RequestPrincipal> {
    let principal = RequestPrincipal::parse(text);
    if let Err(reason) = principal {
        let code = match reason {
            InvalidRequestPrincipal::Wildcard => code::INVALID_WILDCARD,
            InvalidRequestPrincipal::Incomplete => code::INVALID_VALUE,
        };
        problems.report(
            code,
            cursor,
            format!("no JWT has the principal `{text}`: {reason}"),
            "write `ISSUER/SUBJECT` with at most one `*`, at the start or the end",
        );
    }
    principal.ok()
}

fn report_foreign(
    text: &str,
    trust_domain: &str,
    scope: &RuleContext<'_>,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    let known = scope.trust_domains.into_iter().flat_map(TrustDomains::iter);
    let known: Vec<&str> = known.collect();
    let short_form = match text.split_once('/') {
        Some((namespace, name)) if is_dns_label(namespace) && is_object_name(name) => {
            format!("; if `{text}` is a service account, use `serviceAccounts`")
        }
        _ => String::new(),
    };
    problems.report(
        code::FOREIGN_TRUST_DOMAIN,
        cursor,
        format!("`{trust_domain}` is not a trust domain of the mesh"),
        format!(
            "the mesh has `{}`; if `{trust_domain}` is another name of the mesh, add it to `trustDomainAliases`{short_form}",
            known.join("`, `")
        ),
    );
}

#[cfg(test)]
mod tests;
