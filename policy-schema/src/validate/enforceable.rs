//! Reports rules that the two enforcement points cannot enforce together.

use super::documents_by_name::DocumentsByName;
use crate::code;
use crate::diagnostic::Diagnostic;
use crate::enforcement_points::{
    FilterEnforcement, NeedsFilter, RbacEnforcement, RbacGap, RbacOnly,
};
use crate::policy::{MANY_PROVIDERS, MULTIPLE_PROVIDERS, PolicySet, ServicePolicy};
use crate::problem::{Cursor, Problems};
use crate::rule::Rule;
use crate::rule_spec::{Effect, Enforcement};
use crate::timestamp::Timestamp;

/// Reports the parts of a single rule that no enforcement point enforces.
pub(super) fn check_rule(
    rule: &Rule,
    enforcement: Enforcement,
    at: Timestamp,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    let rbac = RbacEnforcement::for_rule_in(enforcement, rule, at);
    if let (false, Some(reason)) = (rbac.is_rendered(), rbac.note())
        && rule.uses_peer_ip()
    {
        problems.report(
            code::UNENFORCEABLE_RULE,
            cursor,
            format!("rule `{}` cannot be enforced: the filter does not see the peer address, and the rule {reason}", rule.id),
            "use `remoteIpBlocks`, or enforce the rule at all times",
        );
    }
    if rbac.is_wider()
        && let Some(named) = certificates_beside_address(rule)
    {
        problems.report(
            code::UNENFORCEABLE_RULE,
            &cursor.key("from").index(named),
            format!(
                "rule `{}` names client certificates here, which RBAC cannot distinguish, and another source depends on the peer address, which the filter does not see: together they would allow more than the rule",
                rule.id
            ),
            "use `remoteIpBlocks` in the other source, or `clientCertificates: [\"*\"]` in this one",
        );
    }
    if let (true, FilterEnforcement::Absent(reason)) =
        (rbac.is_rendered(), FilterEnforcement::for_rule(rule))
    {
        for gap in RbacGap::for_rule(rule) {
            problems.report(
                code::EVADABLE_RULE,
                cursor,
                format!(
                    "only RBAC enforces rule `{}`, and clients can evade it {}",
                    rule.id,
                    gap.evasion()
                ),
                match reason {
                    RbacOnly::PeerIp => "use `remoteIpBlocks`, which the filter checks too",
                    RbacOnly::Custom => "remove the condition, and let the provider check it",
                },
            );
        }
    }
}

/// Reports a rule that RBAC alone does not enforce as written.
pub(super) fn check_without_filter(
    rule: &Rule,
    enforcement: Enforcement,
    at: Timestamp,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    let Some(needed) = RbacEnforcement::for_rule_in(enforcement, rule, at).needs_filter() else {
        return;
    };
    let (why, without) = match needed {
        NeedsFilter::Times => (
            "has no clock",
            "remove `notBefore` and `notAfter` from the rule",
        ),
        NeedsFilter::CertificateNames => (
            "cannot distinguish client certificates",
            "use `clientCertificates: [\"*\"]`",
        ),
    };
    problems.report(
        code::MISSING_FILTER,
        cursor,
        format!(
            "rule `{}` needs the filter, because RBAC {why}, but the `Mesh` sets no `filter.image`",
            rule.id
        ),
        format!(
            "set `filter.image` in the `Mesh`, {without}, or put the rule in shadow with `enforcement: Shadow`"
        ),
    );
}

/// Reports rules that conflict on the same workload.
pub(super) fn check_across_policies(
    documents: &DocumentsByName<'_>,
    set: &PolicySet,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let is_any = |is: fn(&Rule) -> bool| -> Vec<bool> {
        let policies = set.policies().iter();
        policies.map(|policy| policy.rules.iter().any(is)).collect()
    };
    let have_addresses = is_any(matches_any_address);
    let have_providers = is_any(|rule| rule.provider.is_some());
    let has_one_provider = set.mesh().istio_version() < MANY_PROVIDERS;
    for (position, leading) in set.policies().iter().enumerate() {
        let positions = || std::iter::once(position).chain(leading.followers());
        let has = |those: &[bool]| {
            let mut positions = positions();
            positions.any(|position| those.get(position) == Some(&true))
        };
        let (has_addresses, has_providers) = (has(&have_addresses), has(&have_providers));
        if !(has_addresses || has_providers) {
            continue;
        }
        let overlapping: Vec<_> = positions()
            .filter_map(|position| set.policies().get(position))
            .filter(|policy| policy.enforcement == Enforcement::Enforce)
            .collect();
        if has_addresses {
            check_address_conflicts(&overlapping, documents, diagnostics);
        }
        if has_providers {
            check_providers(&overlapping, has_one_provider, documents, diagnostics);
        }
    }
}

/// The first source that names client certificates, if another source of the rule restricts the
/// peer's address.
fn certificates_beside_address(rule: &Rule) -> Option<usize> {
    let with_address = rule.sources.iter().filter(|source| source.uses_peer_ip());
    let with_address = with_address.count();
    rule.sources.iter().position(|source| {
        source.distinguishes_client_certificates()
            && with_address > usize::from(source.uses_peer_ip())
    })
}

/// Whether the filter evaluates an `Allow` rule as if it matched any address.
fn matches_any_address(rule: &Rule) -> bool {
    FilterEnforcement::for_rule(rule) == FilterEnforcement::AnyPeerIp
}

/// The filter evaluates a rule about the peer's address as if it matched any address. RBAC may then
/// allow the same request by another rule, of which it evaluates less, or whose exclusions a client
/// evades. Together they would allow what the policy denies.
fn check_address_conflicts(
    overlapping: &[&ServicePolicy],
    documents: &DocumentsByName<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let allowing = || {
        overlapping.iter().flat_map(|policy| {
            let rules = policy.rules.iter().enumerate();
            rules
                .filter(|(_, rule)| rule.effect == Effect::Allow)
                .map(move |(index, rule)| (*policy, index, rule))
        })
    };
    // Any rule other than a given one is among the first two.
    let with_address: Vec<_> = allowing()
        .map(|(.., rule)| rule)
        .filter(|rule| matches_any_address(rule))
        .take(2)
        .collect();
    if with_address.is_empty() {
        return;
    }
    let spec = Cursor::Root;
    let spec = spec.key("spec");
    let rules = spec.key("rules");
    for (policy, index, rule) in allowing() {
        let mut others = with_address.iter();
        let Some(other) = others.find(|other| !std::ptr::eq(**other, rule)) else {
            continue;
        };
        let rbac = RbacEnforcement::for_rule(policy, rule);
        let wider = match rbac {
            RbacEnforcement::AnyClientCertificate => Some((
                "from",
                "names client certificates, which RBAC cannot distinguish",
                "use `remoteIpBlocks` in the other rule, or `clientCertificates: [\"*\"]` in this one",
            )),
            _ if rbac.is_wider() => Some((
                "notAfter",
                "is limited in time, which RBAC cannot enforce",
                "use `remoteIpBlocks` in the other rule, or remove `notBefore` and `notAfter` from this one",
            )),
            _ => None,
        };
        if let (Some((key, what, help)), Some(document)) = (wider, documents.get(policy)) {
            document.report(
                diagnostics,
                code::UNENFORCEABLE_RULE,
                &rules.index(index).key(key),
                format!(
                    "rule `{}` {what}, and rule `{}` depends on the peer address, which the filter does not see: together they would allow more than the policy",
                    rule.id, other.id
                ),
                help,
            );
        }
        for gap in RbacGap::for_rule(rule).filter(|_| rbac.is_rendered()) {
            let Some(document) = documents.get(policy) else {
                continue;
            };
            document.report(
                diagnostics,
                code::EVADABLE_RULE,
                &rules.index(index).key("id"),
                format!(
                    "clients can evade RBAC at rule `{}` {}, and the filter at rule `{}`, because the filter does not see the peer address",
                    rule.id,
                    gap.evasion(),
                    other.id
                ),
                "use `remoteIpBlocks` in the other rule",
            );
        }
    }
}

fn check_providers(
    overlapping: &[&ServicePolicy],
    has_one_provider: bool,
    documents: &DocumentsByName<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let custom = || {
        overlapping.iter().flat_map(|policy| {
            let rules = policy.rules.iter().enumerate();
            rules
                .filter(|(_, rule)| rule.enforcement != Some(Enforcement::Shadow))
                .filter_map(move |(index, rule)| Some((*policy, index, rule.provider.as_deref()?)))
        })
    };
    let Some((_, _, first)) = custom().next() else {
        return;
    };
    let (code, message, help) = if has_one_provider {
        (
            code::UNSUPPORTED_BY_ISTIO,
            format!("the workload already has provider `{first}`, and Istio supports only one"),
            "use the same provider, merge the two, or upgrade to 1.30, which supports several"
                .to_owned(),
        )
    } else {
        (
            code::SEVERAL_PROVIDERS,
            format!(
                "the workload already has provider `{first}`, and Istio denies every request unless several are enabled"
            ),
            format!(
                "set `{MULTIPLE_PROVIDERS}=true` in the environment of istiod, as `peergate install-values` does, or use one provider"
            ),
        )
    };
    let spec = Cursor::Root;
    let spec = spec.key("spec");
    let rules = spec.key("rules");
    for (policy, index, _) in custom().filter(|(.., provider)| *provider != first) {
        let Some(document) = documents.get(policy) else {
            continue;
        };
        document.report(
            diagnostics,
            code,
            &rules.index(index).key("provider"),
            message.clone(),
            help.as_str(),
        );
    }
}
