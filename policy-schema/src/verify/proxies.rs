//! Checks that each proxy runs the policies of the documents.

use std::collections::BTreeMap;

use super::coverage::is_gateway;
use super::mutual_tls::may_accept_plaintext;
use super::proxy::{HttpChain, Proxy, Refusal, Role};
use super::reported_revision;
use super::{Finding, FindingCode, Verdict, unvalidated};
use crate::istio::has_authorization_policies;
use crate::plugin_config::PolicyName;
use crate::policy::{FilterFailure, Labels, PolicySet, ServicePolicy};
use crate::rule_spec::Otherwise;
use crate::telemetry::RevisionNumber;

pub(super) fn check(set: &PolicySet, proxies: &[Proxy], verdict: &mut Verdict) {
    let has_filter = set.mesh.filter_image.is_some();
    if !proxies.is_empty() && !has_filter {
        verdict.unchecked.push(
            "the policies that proxies run: the `Mesh` has no `spec.filter.image`".to_owned(),
        );
    }
    let running = proxies.iter().flat_map(|proxy| &proxy.policies);
    let revisions = set.revisions(running.map(|policy| &policy.name));
    for proxy in proxies {
        if proxy.lacks_listeners {
            verdict.findings.push(Finding::new(
                format!("proxy {}", proxy.name),
                FindingCode::NotChecked,
                "its `/config_dump` has no listeners, so its enforcement was not checked",
                "fetch the whole `/config_dump` after the proxy has received its configuration",
            ));
        }
        if has_filter {
            check_policies(set, &revisions, proxy, &mut verdict.findings);
        }
        check_paths(set, proxy, &mut verdict.findings);
        check_refusals(proxy, &mut verdict.findings);
        unvalidated::check_proxy(set, proxy, &mut verdict.findings);
        check_listeners(set, proxy, &mut verdict.findings);
    }
}

fn check_policies(
    set: &PolicySet,
    revisions: &BTreeMap<&PolicyName, RevisionNumber>,
    proxy: &Proxy,
    findings: &mut Vec<Finding>,
) {
    // The services behind a waypoint may have different policies.
    if proxy.role != Role::Waypoint {
        check_chains(set, proxy, findings);
        check_rbac(set, proxy, findings);
    }
    let is_running = |name: &PolicyName| proxy.policies.iter().any(|policy| policy.name == *name);
    for policy in &set.policies {
        if proxy.is_for(set, &policy.name) == Some(true) && !is_running(&policy.name) {
            findings.push(proxy.finding(
                FindingCode::PolicyNotRunning,
                format!("does not run policy `{}`, which selects it", policy.name),
                "check that the filter's object exists, and search the proxy's log for the filter",
            ));
        }
    }
    if proxy.labels.is_none() && proxy.policies.is_empty() {
        findings.push(proxy.finding(
            FindingCode::PolicyNotRunning,
            "runs no policy, and does not report its labels".to_owned(),
            "check that the filter's object exists, and search the proxy's log for the filter",
        ));
    }
    for running in &proxy.policies {
        let name = &running.name;
        if running.fails_open && !may_fail_open(set, name) {
            findings.push(proxy.finding(
                FindingCode::FilterFailsOpen,
                format!("its filter for policy `{name}` fails open"),
                "apply the output of `peergate render`, and remove the object that sets `FAIL_OPEN`",
            ));
        }
        match set.policy(&name.namespace, &name.name) {
            Some(policy) if proxy.is_for(set, name) != Some(false) => {
                let expected = revisions.get(policy.name());
                if let Some(expected) = expected
                    .filter(|own| running.revision.as_deref().map(str::parse) != Some(Ok(**own)))
                {
                    findings.push(proxy.finding(
                        FindingCode::StaleRevision,
                        match &running.revision {
                            Some(revision) => format!(
                                "runs revision {revision} of policy `{name}`, but the documents have {expected}"
                            ),
                            None => format!(
                                "runs policy `{name}` without a revision, but the documents have {expected}"
                            ),
                        },
                        "apply the output of `peergate render`, and check that the proxy is connected to istiod",
                    ));
                }
                findings.extend(reported_revision::check(proxy, running));
            }
            found => findings.push(proxy.finding(
                FindingCode::UnknownPolicy,
                match found {
                    Some(_) => format!("runs policy `{name}`, which does not select its workload"),
                    None => format!("runs policy `{name}`, which no document declares"),
                },
                "delete the object that installs it",
            )),
        }
    }
}

/// Whether a policy's filter may fail open according to the documents.
fn may_fail_open(set: &PolicySet, name: &PolicyName) -> bool {
    let policy = set.policy(&name.namespace, &name.name);
    policy.is_some_and(|policy| set.filter_failure(policy) == FilterFailure::Pass)
}

/// Checks that a policy applies to requests on every chain.
fn check_chains(set: &PolicySet, proxy: &Proxy, findings: &mut Vec<Finding>) {
    for policy in &set.policies {
        if proxy.is_for(set, &policy.name) != Some(true) {
            continue;
        }
        let (with, without): (Vec<_>, Vec<_>) = proxy
            .chains
            .iter()
            .partition(|chain| chain.policies.contains(&policy.name));
        // If all chains lack it, that is reported only once.
        if with.is_empty() || without.is_empty() {
            continue;
        }
        findings.push(proxy.finding(
            FindingCode::PolicyNotRunning,
            format!(
                "policy `{}` selects it, but does not apply to requests at {}",
                policy.name,
                titles(&without)
            ),
            "find the `EnvoyFilter` that removes the filter, adds a listener, or disables the filter",
        ));
    }
}

/// Checks that Envoy's RBAC applies to requests and connections on every chain, if an
/// `AuthorizationPolicy` applies to the proxy.
fn check_rbac(set: &PolicySet, proxy: &Proxy, findings: &mut Vec<Finding>) {
    // The default-deny object applies to all of Istio's proxies.
    let is_closed = set.mesh.otherwise == Otherwise::Deny;
    let is_enforced = |policy: &&ServicePolicy| {
        proxy.is_for(set, &policy.name) == Some(true) && has_authorization_policies(set, policy)
    };
    let mut enforced = set.policies.iter().filter(is_enforced);
    if !proxy.runs_istio_agent || !is_closed && enforced.clone().next().is_none() {
        return;
    }
    let chains = proxy.chains.iter().filter(|chain| !chain.has_rbac);
    let requests: Vec<_> = chains.map(|chain| &*chain.title).collect();
    let mut without = vec![("requests", requests, "envoy.filters.http.rbac")];
    // Policies that only deny may not apply to connections.
    if is_closed || enforced.any(|policy| policy.otherwise == Otherwise::Deny) {
        let connections = proxy.unchecked_tcp.iter().map(String::as_str).collect();
        without.push(("connections", connections, "envoy.filters.network.rbac"));
    }
    for (what, places, filter) in without {
        if !places.is_empty() {
            findings.push(proxy.finding(
                FindingCode::PolicyNotRunning,
                format!(
                    "an `AuthorizationPolicy` selects it, but RBAC does not apply to {what} at {}",
                    listed(&places)
                ),
                &format!(
                    "check that the `AuthorizationPolicy` exists, and find the `EnvoyFilter` that removes `{filter}`"
                ),
            ));
        }
    }
}

/// Checks that paths are normalized as in the `Mesh`, on every chain with enforcement.
fn check_paths(set: &PolicySet, proxy: &Proxy, findings: &mut Vec<Finding>) {
    let chains = proxy.chains.iter();
    let enforcing: Vec<_> = chains
        .filter(|chain| chain.has_rbac || !chain.policies.is_empty())
        .collect();
    let at = |is_at: &dyn Fn(&HttpChain) -> bool| -> Vec<_> {
        let enforcing = enforcing.iter().copied();
        enforcing.filter(|chain| is_at(chain)).collect()
    };
    let expected = set.mesh.path_normalization;
    let differing = at(&|chain| chain.normalization != Some(expected));
    if !differing.is_empty() {
        findings.push(proxy.finding(
            FindingCode::EnforcementUndone,
            format!(
                "its path normalization differs from the `Mesh` at {}",
                titles(&differing)
            ),
            "find the `EnvoyFilter` that sets it, and compare `pathNormalization` of Istio's mesh config with the `Mesh`",
        ));
    }
    let ignoring = at(&|chain| chain.ignores_path_parameters);
    if !ignoring.is_empty() {
        findings.push(proxy.finding(
            FindingCode::EnforcementUndone,
            format!(
                "its routes set `ignore_path_parameters_in_path_matching` at {}, so RBAC matches a different path than the filter",
                titles(&ignoring)
            ),
            "find the `EnvoyFilter` that sets it, and delete the patch",
        ));
    }
}

fn titles(chains: &[&HttpChain]) -> String {
    let titles: Vec<_> = chains.iter().map(|chain| &*chain.title).collect();
    listed(&titles)
}

/// Titles of chains, abbreviated if there are many.
fn listed(titles: &[&str]) -> String {
    const MAX_NAMED: usize = 3;
    let named = titles.iter().take(MAX_NAMED);
    let mut named: Vec<_> = named.map(|title| format!("`{title}`")).collect();
    let more = titles.len().saturating_sub(MAX_NAMED);
    if more > 0 {
        named.push(format!("{more} more"));
    }
    named.join(", ")
}

fn check_refusals(proxy: &Proxy, findings: &mut Vec<Finding>) {
    findings.extend(proxy.refused.iter().map(|Refusal { kind, name, reason }| {
        proxy.finding(
            FindingCode::RefusedConfiguration,
            format!("refused its {kind} `{name}`, and keeps the previous one: {reason}"),
            "correct the object that contains it",
        )
    }));
}

fn check_listeners(set: &PolicySet, proxy: &Proxy, findings: &mut Vec<Finding>) {
    let nothing = Labels::new();
    let namespace = proxy.namespace.as_deref().unwrap_or_default();
    let labels = proxy.labels.as_ref().unwrap_or(&nothing);
    if is_gateway(set, namespace, labels) {
        return;
    }
    findings.extend(proxy.undirected.iter().map(|listener| {
        proxy.finding(
            FindingCode::NotChecked,
            format!("its listener `{listener}` has no `traffic_direction`, so it was not checked"),
            "set `traffic_direction: INBOUND` if it accepts callers",
        )
    }));
    for listener in &proxy.plaintext {
        if may_accept_plaintext(&set.mesh, namespace, labels, listener.port) {
            continue;
        }
        let port = match listener.port {
            Some(port) => format!("port {port}"),
            None => "every port that no other filter chain matches".to_owned(),
        };
        let accepts = if listener.has_tls {
            "TLS without verifying the caller's certificate"
        } else {
            "plaintext"
        };
        findings.push(proxy.finding(
            FindingCode::PlaintextListener,
            format!(
                "its listener `{}` accepts {accepts} on {port}, but the `Mesh` has no exception for it",
                listener.name
            ),
            "find the `PeerAuthentication` or `EnvoyFilter` that causes this",
        ));
    }
}
