//! Rules that the two enforcement points cannot carry out between them.

use super::documents::{Placed, document_of};
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::document::ServicePolicyDocument;
use crate::planes::{FilterPlane, RbacPlane};
use crate::policy::{IstioVersion, PolicySet, ServicePolicy};
use crate::problem::{Cursor, Problems};
use crate::rule::{Operation, Rule};
use crate::rule_spec::{Effect, Enforcement};

/// From this version on Istio can ask more than one external authorizer for a workload.
const MANY_PROVIDERS: IstioVersion = IstioVersion::minor(30);

/// Reports what of a rule by itself no enforcement point carries out.
pub(super) fn check_rule(
    rule: &Rule,
    enforcement: Enforcement,
    tcp_ports: &[u16],
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    let rbac = RbacPlane::of_rule_in(enforcement, rule);
    if let (false, Some(reason)) = (rbac.is_rendered(), rbac.note())
        && rule.asks_for_peer_ip()
    {
        problems.report(
            Code::UnenforceableRule,
            cursor,
            format!("no enforcement point sees all that rule `{}` asks: the filter is not told the peer's address, and the rule {reason}", rule.id),
            "use `remoteIpBlocks`, or enforce the rule at all times",
        );
    }
    if tcp_ports.is_empty() || enforcement == Enforcement::Shadow {
        return;
    }
    let to = cursor.key("to");
    for (index, operation) in rule.operations.iter().enumerate() {
        let is_on_tcp = |port: &u16| tcp_ports.contains(port);
        if operation.needs_http()
            && !operation.ports.is_empty()
            && operation.ports.iter().all(is_on_tcp)
        {
            problems.report(
                Code::NeverMatches,
                &to.index(index).key("ports"),
                "these ports speak no HTTP, and so have no methods, paths and hosts",
                "remove the ports from the policy's `tcpPorts`, or what asks for HTTP from the operation",
            );
        }
    }
    let is_timed = !rule.validity.is_unlimited();
    let is_enforced = rule.enforcement != Some(Enforcement::Shadow);
    if is_timed && is_enforced && meets_tcp(rule, tcp_ports) {
        problems.report(
            Code::UnenforceableRule,
            cursor,
            format!("on ports without HTTP nothing would begin or end rule `{}`: the filter does not see that traffic", rule.id),
            "leave the policy's `tcpPorts` out with `notPorts`, or remove the times",
        );
    }
    if rule.names_client_certificates() && is_enforced && meets_tcp(rule, tcp_ports) {
        problems.report(
            Code::UnenforceableRule,
            &cursor.key("from"),
            format!("on ports without HTTP nothing would tell client certificates apart for rule `{}`: the filter does not see that traffic", rule.id),
            "leave the policy's `tcpPorts` out with `notPorts`, or write `clientCertificates: [\"*\"]`",
        );
    }
    let asks_jwt = rule
        .sources
        .iter()
        .filter(|source| !source.request_principals.is_empty());
    let asking = asks_jwt.count();
    if rule.effect != Effect::Allow && asking > 0 && asking < rule.sources.len() {
        problems.report(
            Code::UnenforceableRule,
            &cursor.key("from"),
            "on ports without HTTP only some of these sources can match, and Istio has no way to say it",
            "make two rules of it: one for the sources with `requestPrincipals`, one for the others",
        );
    }
}

/// Whether the rule as written takes traffic of a port that speaks no HTTP.
fn meets_tcp(rule: &Rule, tcp_ports: &[u16]) -> bool {
    let operation_does = |operation: &Operation| {
        let takes = |port: &u16| {
            (operation.ports.is_empty() || operation.ports.contains(port))
                && !operation.not_ports.contains(port)
        };
        // To an `Allow` rule, what is absent is not excluded either.
        let leaves_out = rule.effect == Effect::Allow
            && !(operation.not_methods.is_empty()
                && operation.not_paths.is_empty()
                && operation.not_hosts.is_empty());
        !operation.needs_http() && !leaves_out && tcp_ports.iter().any(takes)
    };
    // An open `Allow` rule is rendered for HTTP alone.
    let is_open = rule.operations.is_empty() && rule.effect != Effect::Allow;
    let names_tcp =
        |operation: &Operation| rule.effect != Effect::Allow || !operation.ports.is_empty();
    !rule.needs_http_beside_operations()
        && (is_open
            || rule
                .operations
                .iter()
                .any(|operation| operation_does(operation) && names_tcp(operation)))
}

/// Reports rules that do not go together on the same workload.
pub(super) fn check_together(
    documents: &[Placed<ServicePolicyDocument>],
    set: &PolicySet,
    diagnostics: &mut Vec<Diagnostic>,
) {
    for leading in set.policies() {
        let along = leading
            .along
            .iter()
            .filter_map(|along| set.policies().get(along.policy));
        let together: Vec<_> = std::iter::once(leading)
            .chain(along)
            .filter(|policy| policy.enforcement == Enforcement::Enforce)
            .collect();
        check_wider_beside_addresses(&together, documents, diagnostics);
        if set.mesh().istio_version() < MANY_PROVIDERS {
            check_providers(&together, documents, diagnostics);
        }
    }
}

/// RBAC goes on with an `Allow` rule that has ended and takes one for any client certificate, and the
/// filter takes one for any address: what the one lets through for the first and the other for the
/// second, the policy does not allow.
fn check_wider_beside_addresses(
    together: &[&ServicePolicy],
    documents: &[Placed<ServicePolicyDocument>],
    diagnostics: &mut Vec<Diagnostic>,
) {
    let allowing = || {
        together.iter().flat_map(|policy| {
            let rules = policy.rules.iter().enumerate();
            rules
                .filter(|(_, rule)| rule.effect == Effect::Allow)
                .map(move |(index, rule)| (*policy, index, rule))
        })
    };
    let with_address =
        || allowing().filter(|(.., rule)| FilterPlane::of_rule(rule) == FilterPlane::AnyPeerIp);
    if with_address().next().is_none() {
        return;
    }
    for (policy, index, wider) in allowing() {
        let plane = RbacPlane::of_rule(policy, wider);
        if !plane.is_wider() {
            continue;
        }
        let Some((_, _, other)) = with_address().find(|(.., other)| !std::ptr::eq(*other, wider))
        else {
            continue;
        };
        let (key, what, help) = if plane == RbacPlane::AnyClientCertificate {
            (
                "from",
                "names client certificates, which RBAC does not tell apart",
                "use `remoteIpBlocks` in the other rule, or write `clientCertificates: [\"*\"]` in this one",
            )
        } else {
            (
                "notAfter",
                "has times, which RBAC does not see",
                "use `remoteIpBlocks` in the other rule, or remove the times of this one",
            )
        };
        report(
            policy,
            index,
            key,
            documents,
            diagnostics,
            Code::UnenforceableRule,
            format!(
                "rule `{}` {what}, and rule `{}` depends on the peer's address, which the filter does not see: what one of them allows, the two would let through together",
                wider.id, other.id
            ),
            help,
        );
    }
}

fn check_providers(
    together: &[&ServicePolicy],
    documents: &[Placed<ServicePolicyDocument>],
    diagnostics: &mut Vec<Diagnostic>,
) {
    let custom = || {
        together.iter().flat_map(|policy| {
            let rules = policy.rules.iter().enumerate();
            rules
                .filter(|(_, rule)| rule.enforcement != Some(Enforcement::Shadow))
                .filter_map(move |(index, rule)| Some((*policy, index, rule.provider.as_deref()?)))
        })
    };
    let Some((_, _, first)) = custom().next() else {
        return;
    };
    for (policy, index, _) in custom().filter(|(.., provider)| *provider != first) {
        report(
            policy,
            index,
            "provider",
            documents,
            diagnostics,
            Code::UnsupportedByIstio,
            format!("the workload has the provider `{first}` already, and Istio takes one"),
            "more than one came with 1.30; use the same provider, or merge the two",
        );
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "a diagnostic is a place and what is to be said there"
)]
fn report(
    policy: &ServicePolicy,
    rule: usize,
    key: &str,
    documents: &[Placed<ServicePolicyDocument>],
    diagnostics: &mut Vec<Diagnostic>,
    code: Code,
    message: String,
    help: &str,
) {
    let rules = Cursor::Root;
    let rules = rules.key("spec");
    let rules = rules.key("rules");
    let rule = rules.index(rule);
    if let Some(placed) = document_of(policy, documents) {
        placed.report(diagnostics, code, &rule.key(key), message, help);
    }
}
