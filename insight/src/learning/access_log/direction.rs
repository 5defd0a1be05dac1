//! Which way a request went, by the cluster that the proxy sent it to.

/// What the clusters begin with that Istio's proxies send a workload's own calls to.
const OUTBOUND: [&str; 3] = ["outbound|", "PassthroughCluster", "BlackHoleCluster"];

/// The same of those by which they reach the workload itself, or a waypoint reaches it.
const INBOUND: [&str; 3] = ["inbound|", "inbound-vip|", "InboundPassthroughCluster"];

/// Which way a request went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Inbound,
    Outbound,
    Unknown,
}

/// Which way a cluster leads, by how Istio names it.
pub(super) fn direction_of(cluster: &str) -> Direction {
    let includes = |beginnings: &[&str]| beginnings.iter().any(|it| cluster.starts_with(it));
    if includes(&OUTBOUND) {
        Direction::Outbound
    } else if includes(&INBOUND) {
        Direction::Inbound
    } else {
        Direction::Unknown
    }
}
