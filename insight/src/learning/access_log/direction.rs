//! The direction of a request, from its upstream cluster.

/// Prefixes of Istio's outbound clusters.
const OUTBOUND: [&str; 3] = ["outbound|", "PassthroughCluster", "BlackHoleCluster"];

/// Prefixes of Istio's inbound clusters, including those of waypoints.
const INBOUND: [&str; 3] = ["inbound|", "inbound-vip|", "InboundPassthroughCluster"];

/// The direction of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Inbound,
    Outbound,
    Unknown,
}

/// The direction of a cluster, from its name.
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
