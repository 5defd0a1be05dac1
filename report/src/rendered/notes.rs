//! Notes about the rendered objects, one sentence each.

use std::fmt::{self, Debug};

use policy_schema::enforcement_points::PortLeftToFilter;
use policy_schema::istio::{
    FAIL_STRATEGY, GATEWAY_INFRASTRUCTURE, ResourceKind, applied, single_pod_gateways,
};
use policy_schema::policy::{PolicySet, ServicePolicy};
use policy_schema::rule_spec::Enforcement;
use policy_schema::wording::counted;

use super::{applied, undeclared_providers};
use crate::listed::Listing;

/// The maximum number of policies that are named.
const MAX_NAMES: usize = 4;

/// The rendered part of a policy set.
pub struct Rendered<'r> {
    /// All policies and the mesh.
    pub set: &'r PolicySet,
    /// The rendered policies.
    pub policies: &'r [&'r ServicePolicy],
    /// Whether the resources of the whole mesh were rendered.
    pub has_mesh: bool,
    /// Whether every kind of object was rendered.
    pub has_every_kind: bool,
    /// Whether objects of a kind were rendered.
    pub has_kind: &'r dyn Fn(ResourceKind) -> bool,
    /// The number of objects.
    pub objects: usize,
    /// The number of objects that need `kubectl apply --server-side`.
    pub server_side_only: usize,
    /// Whether notes name every policy.
    pub listing: Listing,
}

impl Debug for Rendered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rendered").finish_non_exhaustive()
    }
}

/// All notes.
pub fn notes(rendered: &Rendered<'_>) -> Vec<String> {
    let Rendered { set, policies, .. } = rendered;
    let mut notes = Vec::new();
    if rendered.objects == 0 {
        notes.push("no objects rendered, so there is nothing to apply".to_owned());
    }
    if (rendered.has_kind)(ResourceKind::AuthorizationPolicy) {
        notes.extend(differences(set, policies, rendered.listing));
    }
    if rendered.has_mesh && (rendered.has_kind)(ResourceKind::PeerAuthentication) {
        notes.extend(expired_exceptions(set));
    }
    if rendered.server_side_only > 0 {
        notes.push(format!(
            "{} too large for the annotation of `kubectl apply`: use `kubectl apply --server-side`",
            counted(rendered.server_side_only, "object is", "objects are")
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

/// Settings that the mesh document leaves to defaults or to the cluster.
fn defaults(set: &PolicySet) -> Vec<String> {
    let mut notes = Vec::new();
    if !set.mesh().sets_mtls_mode() {
        notes.push(
            "no PeerAuthentication rendered, so workloads may accept plaintext: the mesh does not set `mtls.mode`"
                .to_owned(),
        );
    }
    if set.mesh().filter_image().is_none() {
        notes.push(
            "no WasmPlugin rendered, because the mesh does not set `filter.image`: only RBAC enforces the policies, \
             shadow rules are not recorded, and denials are neither counted nor explained"
                .to_owned(),
        );
    }
    let unspecified = set.mesh().unspecified();
    if !unspecified.is_empty() {
        notes.push(format!(
            "the mesh leaves fields unspecified, so their strict defaults apply: {}",
            unspecified.join("; ")
        ));
    }
    notes
}

/// Expired exceptions from mutual TLS. Their objects stay in the cluster until they are deleted.
fn expired_exceptions(set: &PolicySet) -> Vec<String> {
    let ended = set.mesh().expired_exceptions();
    let notes = ended.map(|(namespace, name)| {
        format!(
            "mTLS exception `{name}` in namespace `{namespace}` has expired and is not rendered; \
             if it was applied, run `kubectl delete peerauthentication -n {namespace} {name}`"
        )
    });
    notes.collect()
}

/// Gateways that become unavailable when their node is drained.
fn single_pods(set: &PolicySet) -> Vec<String> {
    let version = set.mesh().istio_version();
    let gateways = single_pod_gateways(set.mesh());
    let notes = gateways.map(|gateway| {
        format!(
            "gateway `{gateway}`: Istio {version} runs a single pod, which cannot be configured before {GATEWAY_INFRASTRUCTURE}; \
             scale it and add a PodDisruptionBudget (see docs/install.md)"
        )
    });
    notes.collect()
}

/// Differences between a policy and its AuthorizationPolicy.
fn differences(set: &PolicySet, policies: &[&ServicePolicy], listing: Listing) -> Vec<String> {
    let records_only = |policy: &&ServicePolicy| policy.enforcement() == Enforcement::Shadow;
    let in_shadow: Vec<_> = policies.iter().copied().filter(records_only).collect();
    let mut notes = shadow(set, &in_shadow, listing);
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
                "rule `{rule}` of policy `{name}`: RBAC omits port {port}, which policy `{declared_by}` declares in `tcpPorts`; \
                 where the port does speak HTTP, only the filter enforces the rule"
            ));
        }
    }
    notes
}

/// One note for all shadow policies that the filter records, and one for the others. A new mesh has all policies in
/// shadow.
fn shadow(set: &PolicySet, policies: &[&ServicePolicy], listing: Listing) -> Vec<String> {
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
        let except = if ports {
            ", except on ports without HTTP (`tcpPorts`)"
        } else {
            ""
        };
        let fetching = if set.mesh().istio_version() < FAIL_STRATEGY {
            format!(
                "; before Istio {FAIL_STRATEGY}, a proxy that cannot fetch the filter still denies every request"
            )
        } else {
            String::new()
        };
        let recording = format!(
            "the filter lets every request pass and records the ones that it would deny{except}{fetching}"
        );
        notes.push(in_shadow(&recorded, &recording, listing));
    }
    let reason = if has_filter {
        "the filter does not see connections without HTTP (`tcpPorts`), so would-be denials are not recorded"
    } else {
        "without a filter, would-be denials are not recorded"
    };
    if !others.is_empty() {
        notes.push(in_shadow(&others, reason, listing));
    }
    notes
}

fn in_shadow(policies: &[&ServicePolicy], recording: &str, listing: Listing) -> String {
    let names = policies.iter().map(|policy| format!("`{}`", policy.name()));
    let names = listing.list(names, MAX_NAMES);
    let (subject, verb) = match policies {
        [_] => ("policy", "is"),
        _ => ("policies", "are"),
    };
    format!(
        "{subject} {names} {verb} in shadow: the rules are in no AuthorizationPolicy, and objects of an earlier render \
         stay in force until you delete them; {recording}"
    )
}
