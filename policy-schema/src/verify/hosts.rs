//! Compares hosts in Istio's objects.

use crate::policy::PolicySet;

/// Whether a host, possibly with a `*`, may be a service of the cluster.
pub(super) fn is_service(set: &PolicySet, host: &str) -> bool {
    let domain = format!(".svc.{}", set.mesh.cluster_domain);
    let is_short = !host.contains(['.', '*']);
    is_short || hosts_overlap(host, &format!("*{domain}"))
}

/// Whether a host can match both names, each of which may begin with `*`.
pub(super) fn hosts_overlap(a: &str, b: &str) -> bool {
    match (a.strip_prefix('*'), b.strip_prefix('*')) {
        (None, None) => a == b,
        (Some(end), None) => b.ends_with(end),
        (None, Some(end)) => a.ends_with(end),
        (Some(end), Some(other)) => end.ends_with(other) || other.ends_with(end),
    }
}
