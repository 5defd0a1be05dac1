//! What Istio accepts, where documents name it.

/// The ports that Istio's proxies keep for themselves.
pub(crate) const RESERVED_PORTS: std::ops::RangeInclusive<u16> = 15000..=15090;

/// The kinds of targets: the API group, the kind, and the oldest minor version of Istio 1 whose definitions are known
/// to have it.
pub(crate) const TARGETS: [(&str, &str, u16); 4] = [
    ("", "Service", 22),
    ("gateway.networking.k8s.io", "Gateway", 22),
    ("gateway.networking.k8s.io", "GatewayClass", 29),
    ("networking.istio.io", "ServiceEntry", 24),
];
