//! Gateways whose clients need certificates, and policies there that deny all of those clients.

use super::documents::DocumentsByName;
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::policy::{Gateway, PolicySet, ServicePolicy};
use crate::problem::Cursor;
use crate::rule_spec::{Effect, Enforcement, Otherwise};

/// Warns of each such gateway, at the first policy that denies its clients.
pub(super) fn check_together(
    documents: &DocumentsByName<'_>,
    set: &PolicySet,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let gateways = set.mesh.gateways.iter();
    for gateway in gateways.filter(|gateway| gateway.asks_for_certificates()) {
        let Some((policy, help)) = denying(set, gateway) else {
            continue;
        };
        let Some(document) = documents.get(policy) else {
            continue;
        };
        document.report(
            diagnostics,
            Code::UnnamedClientCertificates,
            &Cursor::Root.key("metadata").key("name"),
            format!(
                "clients of gateway `{}` need certificates, and this policy denies every certificate from outside the mesh there",
                gateway.name
            ),
            help,
        );
    }
}

/// The first policy that denies every client certificate from outside the mesh at a gateway, and what
/// to do about it.
fn denying<'s>(set: &'s PolicySet, gateway: &Gateway) -> Option<(&'s ServicePolicy, &'static str)> {
    let is_there = |policy: &&ServicePolicy| {
        let mut gateways = set
            .mesh
            .gateways_of(&policy.name.namespace, &policy.attachment);
        policy.enforcement == Enforcement::Enforce
            && gateways.any(|other| other.name == gateway.name)
    };
    let policies: Vec<_> = set.policies.iter().filter(is_there).collect();
    let is_at_gateway = |policy: &ServicePolicy| {
        set.mesh
            .is_at_gateway(&policy.name.namespace, &policy.attachment)
    };
    let lets_pass = |policy: &ServicePolicy| policy.otherwise == Otherwise::Pass;
    let wide = policies
        .iter()
        .find(|policy| lets_pass(policy) && !is_at_gateway(policy));
    if let Some(policy) = wide {
        return Some((
            policy,
            "`otherwise: Pass` denies them wherever it is not for gateways only; give the policy a selector that leaves the gateway out",
        ));
    }
    let allows = |policy: &&ServicePolicy| {
        let mut rules = policy.rules.iter();
        rules.any(|rule| {
            let mut sources = rule.sources.iter();
            rule.effect == Effect::Allow
                && rule.enforcement != Some(Enforcement::Shadow)
                && sources.any(|source| source.takes_client_certificates_alone(rule.effect))
        })
    };
    let denies = |policy: &&ServicePolicy| policy.otherwise_in(&set.mesh) == Otherwise::Deny;
    let policy = policies.iter().copied().find(denies)?;
    if policies.iter().any(allows) {
        return None;
    }
    let help = if lets_pass(policy) {
        "what the policy lets pass, the `defaults` of the `Mesh` deny; remove `otherwise: Pass` and name the clients in an `Allow` rule, such as `from: [{clientCertificates: [\"*\"]}]`"
    } else {
        "name them in an `Allow` rule of a policy for the gateway: `from: [{clientCertificates: [\"dns:NAME\"]}]`, or `[\"*\"]` for all that the gateway validated"
    };
    Some((policy, help))
}
