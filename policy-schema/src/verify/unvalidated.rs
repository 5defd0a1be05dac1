//! Finds gateways that accept client certificates without validating them, and the policies that
//! trust them.
//!
//! Envoy passes the names in such a certificate to RBAC and filters as usual, so anyone can
//! impersonate any workload there.

use std::collections::BTreeMap;

use serde_json::Value;

use super::coverage::is_for;
use super::object::Object;
use super::proxy::Proxy;
use super::workloads::Workloads;
use super::{Finding, FindingCode, Verdict};
use crate::policy::{GATEWAY_NAME, Labels, PolicySet, ServicePolicy};
use crate::rule::{Condition, Rule, Source, Test};
use crate::rule_spec::Effect;

const GATEWAY_API: &str = "gateway.networking.k8s.io";

/// The fix for the objects that cause it.
const HELP: &str = "validate client certificates: set `MUTUAL` without `insecureSkipVerify` in an Istio `Gateway`, or `mode: AllowValidOnly` in one of the Gateway API";

pub(super) fn check_objects(objects: &[Object], workloads: &Workloads<'_>, verdict: &mut Verdict) {
    for object in objects {
        let is_open = object.is("networking.istio.io", "Gateway") && skips_validation(object)
            || object.is(GATEWAY_API, "Gateway") && tolerates_invalid(object);
        if !is_open {
            continue;
        }
        let policies = policies_at(object, workloads).into_iter();
        let message = "accepts client certificates without validating them";
        verdict
            .findings
            .extend(about(object, message, HELP, policies));
    }
}

/// The findings about an `EnvoyFilter` that makes gateways with these policies accept any
/// certificate.
pub(super) fn findings_for_patch<'p>(
    object: &Object,
    policies: impl Iterator<Item = &'p ServicePolicy>,
) -> Vec<Finding> {
    let message = "makes gateways accept client certificates without validating them";
    let help = "delete the patch that sets `trust_chain_verification`";
    about(object, message, help, policies)
}

fn about<'p>(
    object: &Object,
    message: &str,
    help: &str,
    policies: impl Iterator<Item = &'p ServicePolicy>,
) -> Vec<Finding> {
    let finding = |code, message: String| Finding::about(object, code, message, help);
    let trusting = policies.filter(|policy| depends_on_identity(policy));
    let mut findings = vec![finding(
        FindingCode::UnvalidatedCertificates,
        message.to_owned(),
    )];
    findings
        .extend(trusting.map(|policy| finding(FindingCode::ForgeableIdentity, forgeable(policy))));
    findings
}

pub(super) fn check_proxy(set: &PolicySet, proxy: &Proxy, findings: &mut Vec<Finding>) {
    for listener in &proxy.unvalidated {
        findings.push(proxy.finding(
            FindingCode::UnvalidatedCertificates,
            format!(
                "its listener `{listener}` accepts client certificates without validating them"
            ),
            HELP,
        ));
    }
    let (Some(namespace), Some(labels)) = (&proxy.namespace, &proxy.labels) else {
        return;
    };
    if proxy.unvalidated.is_empty() {
        return;
    }
    let trusting = set
        .policies
        .iter()
        .filter(|policy| depends_on_identity(policy) && is_for(policy, namespace, labels));
    findings.extend(
        trusting
            .map(|policy| proxy.finding(FindingCode::ForgeableIdentity, forgeable(policy), HELP)),
    );
}

fn forgeable(policy: &ServicePolicy) -> String {
    format!(
        "policy `{}` depends on callers' identities, but anyone can create a certificate for any identity",
        policy.name
    )
}

/// Whether a server of an Istio `Gateway` accepts any certificate.
fn skips_validation(object: &Object) -> bool {
    let servers = object.at("/spec/servers").and_then(Value::as_array);
    let skips =
        |server: &Value| server.pointer("/tls/insecureSkipVerify") == Some(&Value::Bool(true));
    servers.is_some_and(|servers| servers.iter().any(skips))
}

/// Whether a `Gateway` of the Gateway API tolerates invalid certificates: for all ports, for one
/// port, or in older versions for a listener.
fn tolerates_invalid(object: &Object) -> bool {
    object.at("/spec").is_some_and(has_fallback)
}

fn has_fallback(value: &Value) -> bool {
    match value {
        Value::Object(fields) => {
            fields.get("mode").and_then(Value::as_str) == Some("AllowInsecureFallback")
                || fields.values().any(has_fallback)
        }
        Value::Array(elements) => elements.iter().any(has_fallback),
        _ => false,
    }
}

/// The policies at a gateway: those for its pods, or if none was observed, those that may select
/// them.
fn policies_at<'o>(gateway: &Object, workloads: &Workloads<'o>) -> Vec<&'o ServicePolicy> {
    let is_made = gateway.is(GATEWAY_API, "Gateway");
    // Istio creates the pods of a Gateway API gateway in its namespace, with this label.
    let labels = if is_made {
        Labels::from([(GATEWAY_NAME.to_owned(), gateway.name().to_owned())])
    } else {
        gateway.texts("/spec/selector")
    };
    let namespace = is_made.then(|| gateway.namespace());
    let mut pods = workloads.with_labels(namespace, &labels).peekable();
    if pods.peek().is_none() {
        return workloads.policies_for(gateway.namespace(), &labels);
    }
    let policies = pods.flat_map(|pod| &pod.policies);
    let by_name: BTreeMap<_, _> = policies
        .map(|policy| (policy.name.as_pair(), *policy))
        .collect();
    by_name.into_values().collect()
}

/// Whether the decisions of a policy depend on the caller's identity.
fn depends_on_identity(policy: &ServicePolicy) -> bool {
    policy.rules.iter().any(requires_identity)
}

fn requires_identity(rule: &Rule) -> bool {
    let of_condition = |condition: &Condition| matches!(&condition.test, Test::Caller(source) if source.uses_identity());
    let takes_anybody = rule.sources.iter().any(|source| source.anonymous);
    rule.sources.iter().any(Source::uses_identity)
        || rule.conditions.iter().any(of_condition)
        // Without sources, it matches callers with an identity.
        || rule.effect == Effect::Allow && !takes_anybody
}
