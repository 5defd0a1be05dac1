//! What to know about the rendered objects, on stderr.

use policy_schema::istio::{
    FAIL_STRATEGY, GATEWAY_INFRASTRUCTURE, gateways_of_one_pod as single_pods,
};
use policy_schema::planes::PortLeftToFilter;
use policy_schema::policy::{PolicySet, ServicePolicy};
use policy_schema::rule_spec::Enforcement;

use crate::report;

/// More policies than these are counted, not named.
const MAX_NAMES: usize = 4;

/// Reports what the mesh document leaves to the defaults, or to the cluster.
pub(super) fn defaults(set: &PolicySet) {
    if !set.mesh().sets_mtls_mode() {
        report::note(
            "no PeerAuthentication is rendered, and workloads may accept plaintext: \
             the mesh leaves `mtls.mode` to the cluster",
        );
    }
    if set.mesh().filter_image().is_none() {
        report::note(
            "no WasmPlugin is rendered, since the mesh has no `filter.image`: RBAC alone enforces the policies, \
             nothing records what is in shadow, and denials are neither counted nor explained",
        );
    }
    let unstated = set.mesh().unstated();
    if !unstated.is_empty() {
        report::note(&format!(
            "the mesh is as strict as can be where its document is silent: {}",
            unstated.join("; ")
        ));
    }
}

/// Reports the exceptions from mutual TLS that are left out. Their objects stay in the cluster until they are deleted.
pub(super) fn ended_exceptions(set: &PolicySet) {
    for (namespace, name) in set.mesh().ended_exceptions() {
        report::note(&format!(
            "mTLS exception `{name}` of namespace `{namespace}` has expired and is left out; \
             if it was applied: kubectl delete peerauthentication -n {namespace} {name}"
        ));
    }
}

/// Reports gateways that a drained node takes away.
pub(super) fn gateways_of_one_pod(set: &PolicySet) {
    let version = set.mesh().istio_version();
    for gateway in single_pods(set.mesh()) {
        report::note(&format!(
            "gateway `{gateway}`: Istio {version} makes one pod of it, since it cannot be told more before {GATEWAY_INFRASTRUCTURE}; \
             scale it and keep it from being drained as docs/install.md has it"
        ));
    }
}

/// Reports where the AuthorizationPolicy alone is not the policy.
pub(super) fn differences(set: &PolicySet, policies: &[ServicePolicy]) {
    let records_only = |policy: &&ServicePolicy| policy.enforcement() == Enforcement::Shadow;
    let in_shadow: Vec<_> = policies.iter().filter(records_only).collect();
    shadow(set, &in_shadow);
    for policy in policies.iter().filter(|policy| !records_only(policy)) {
        let name = policy.name();
        for (rule, note) in policy.plane_differences(set.mesh()) {
            report::note(&format!("rule `{rule}` of policy `{name}`: {note}"));
        }
        for PortLeftToFilter {
            rule,
            port,
            declared_by,
        } in set.ports_left_to_filter(policy)
        {
            report::note(&format!(
                "rule `{rule}` of policy `{name}`: RBAC leaves out port {port}, on which policy `{declared_by}` speaks no HTTP; \
                 where the port does speak HTTP, the filter alone enforces the rule"
            ));
        }
    }
}

/// One note for all policies in shadow that the filter records, and one for the others: a mesh begins with all of
/// them there.
fn shadow(set: &PolicySet, policies: &[&ServicePolicy]) {
    let has_filter = set.mesh().filter_image().is_some();
    let (recorded, others): (Vec<_>, Vec<_>) = policies
        .iter()
        .copied()
        .partition(|policy| has_filter && !policy.is_without_http());
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
        in_shadow(
            &recorded,
            &format!(
                "the filter lets every request pass and records what it would deny{but}{fetching}"
            ),
        );
    }
    let reason = if has_filter {
        "the filter sees no connection without HTTP (`tcpPorts`): nothing records what would be denied"
    } else {
        "without a filter, nothing records what would be denied"
    };
    in_shadow(&others, reason);
}

fn in_shadow(policies: &[&ServicePolicy], what_is_recorded: &str) {
    if policies.is_empty() {
        return;
    }
    let names = policies.iter().take(MAX_NAMES);
    let names: Vec<_> = names.map(|policy| format!("`{}`", policy.name())).collect();
    let more = match policies.len().saturating_sub(MAX_NAMES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let (subject, verb) = match policies {
        [_] => ("policy", "is"),
        _ => ("policies", "are"),
    };
    report::note(&format!(
        "{subject} {}{more} {verb} in shadow: no AuthorizationPolicy has the rules, and {what_is_recorded}",
        names.join(", ")
    ));
}
