//! What to know about the rendered objects, one sentence each.

use std::fmt::{self, Debug};

use policy_schema::enforcement_points::PortLeftToFilter;
use policy_schema::istio::{
    FAIL_STRATEGY, GATEWAY_INFRASTRUCTURE, ResourceKind, applied, single_pod_gateways,
};
use policy_schema::policy::{PolicySet, ServicePolicy};
use policy_schema::rule_spec::Enforcement;
use policy_schema::wording::counted;

use super::{applied, undeclared_providers};
use crate::listed::some_of;

/// More policies than these are counted, not named.
const MAX_NAMES: usize = 4;

/// What was rendered of a set of policies.
pub struct Rendered<'r> {
    /// All policies, and the mesh.
    pub set: &'r PolicySet,
    /// Those that were rendered.
    pub policies: &'r [&'r ServicePolicy],
    /// Whether what is of the whole mesh was rendered too.
    pub has_mesh: bool,
    /// Whether every kind of object was.
    pub has_every_kind: bool,
    /// Whether objects of a kind were.
    pub has_kind: &'r dyn Fn(ResourceKind) -> bool,
    /// How many objects there are.
    pub objects: usize,
    /// How many of them `kubectl` applies by the server alone.
    pub by_server_alone: usize,
}

impl Debug for Rendered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rendered").finish_non_exhaustive()
    }
}

/// All that there is to know.
pub fn notes(rendered: &Rendered<'_>) -> Vec<String> {
    let Rendered { set, policies, .. } = rendered;
    let mut notes = Vec::new();
    if rendered.objects == 0 {
        notes.push("no object is rendered, so there is nothing to apply".to_owned());
    }
    if (rendered.has_kind)(ResourceKind::AuthorizationPolicy) {
        notes.extend(differences(set, policies));
    }
    if rendered.has_mesh && (rendered.has_kind)(ResourceKind::PeerAuthentication) {
        notes.extend(expired_exceptions(set));
    }
    if rendered.by_server_alone > 0 {
        notes.push(format!(
            "{} too large for the annotation that `kubectl apply` leaves: use `kubectl apply --server-side`",
            counted(rendered.by_server_alone, "object is", "objects are")
        ));
    }
    if rendered.has_mesh && (rendered.has_kind)(ResourceKind::Gateway) {
        notes.extend(single_pods(set));
    }
    if rendered.has_mesh && rendered.has_every_kind {
        notes.extend(defaults(set));
        notes.extend(undeclared_providers::unreached(set));
        notes.push(format!("when applied: {}", applied::text(&applied(set))));
    }
    notes
}

/// What the mesh document leaves to the defaults, or to the cluster.
fn defaults(set: &PolicySet) -> Vec<String> {
    let mut notes = Vec::new();
    if !set.mesh().sets_mtls_mode() {
        notes.push(
            "no PeerAuthentication is rendered, and workloads may accept plaintext: \
             the mesh leaves `mtls.mode` to the cluster"
                .to_owned(),
        );
    }
    if set.mesh().filter_image().is_none() {
        notes.push(
            "no WasmPlugin is rendered, since the mesh has no `filter.image`: RBAC alone enforces the policies, \
             nothing records what is in shadow, and denials are neither counted nor explained"
                .to_owned(),
        );
    }
    let unspecified = set.mesh().unspecified();
    if !unspecified.is_empty() {
        notes.push(format!(
            "the mesh is as strict as can be where its document is silent: {}",
            unspecified.join("; ")
        ));
    }
    notes
}

/// The exceptions from mutual TLS that are left out. Their objects stay in the cluster until they are deleted.
fn expired_exceptions(set: &PolicySet) -> Vec<String> {
    let ended = set.mesh().expired_exceptions();
    let notes = ended.map(|(namespace, name)| {
        format!(
            "mTLS exception `{name}` of namespace `{namespace}` has expired and is left out; \
             if it was applied: kubectl delete peerauthentication -n {namespace} {name}"
        )
    });
    notes.collect()
}

/// Gateways that a drained node takes away.
fn single_pods(set: &PolicySet) -> Vec<String> {
    let version = set.mesh().istio_version();
    let gateways = single_pod_gateways(set.mesh());
    let notes = gateways.map(|gateway| {
        format!(
            "gateway `{gateway}`: Istio {version} makes one pod of it, since it cannot be told more before {GATEWAY_INFRASTRUCTURE}; \
             scale it and keep it from being drained as docs/install.md has it"
        )
    });
    notes.collect()
}

/// Where the AuthorizationPolicy alone is not the policy.
fn differences(set: &PolicySet, policies: &[&ServicePolicy]) -> Vec<String> {
    let records_only = |policy: &&ServicePolicy| policy.enforcement() == Enforcement::Shadow;
    let in_shadow: Vec<_> = policies.iter().copied().filter(records_only).collect();
    let mut notes = shadow(set, &in_shadow);
    for policy in policies
        .iter()
        .copied()
        .filter(|policy| !records_only(policy))
    {
        let name = policy.name();
        for (rule, note) in policy.enforcement_differences(set.mesh()) {
            notes.push(format!("rule `{rule}` of policy `{name}`: {note}"));
        }
        for PortLeftToFilter {
            rule,
            port,
            declared_by,
        } in set.ports_left_to_filter(policy)
        {
            notes.push(format!(
                "rule `{rule}` of policy `{name}`: RBAC leaves out port {port}, on which policy `{declared_by}` speaks no HTTP; \
                 where the port does speak HTTP, the filter alone enforces the rule"
            ));
        }
    }
    notes
}

/// One note for all policies in shadow that the filter records, and one for the others: a mesh begins with all of
/// them there.
fn shadow(set: &PolicySet, policies: &[&ServicePolicy]) -> Vec<String> {
    let has_filter = set.mesh().filter_image().is_some();
    let (recorded, others): (Vec<_>, Vec<_>) = policies
        .iter()
        .copied()
        .partition(|policy| has_filter && !policy.is_without_http());
    let mut notes = Vec::new();
    if !recorded.is_empty() {
        let ports = recorded
            .iter()
            .any(|policy| policy.has_ports_without_http());
        let but = if ports {
            ", except on ports without HTTP (`tcpPorts`)"
        } else {
            ""
        };
        let fetching = if set.mesh().istio_version() < FAIL_STRATEGY {
            format!(
                "; before Istio {FAIL_STRATEGY}, a proxy that cannot fetch the filter denies every request nevertheless"
            )
        } else {
            String::new()
        };
        let what_is_recorded = format!(
            "the filter lets every request pass and records what it would deny{but}{fetching}"
        );
        notes.push(in_shadow(&recorded, &what_is_recorded));
    }
    let reason = if has_filter {
        "the filter sees no connection without HTTP (`tcpPorts`): nothing records what would be denied"
    } else {
        "without a filter, nothing records what would be denied"
    };
    if !others.is_empty() {
        notes.push(in_shadow(&others, reason));
    }
    notes
}

fn in_shadow(policies: &[&ServicePolicy], what_is_recorded: &str) -> String {
    let names = policies.iter().map(|policy| format!("`{}`", policy.name()));
    let names = some_of(names, MAX_NAMES);
    let (subject, verb) = match policies {
        [_] => ("policy", "is"),
        _ => ("policies", "are"),
    };
    format!(
        "{subject} {names} {verb} in shadow: no AuthorizationPolicy has the rules, and {what_is_recorded}"
    )
}
