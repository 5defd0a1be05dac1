//! Constants of Istio.

/// The ports that Istio's proxies reserve.
pub(crate) const RESERVED_PORTS: std::ops::RangeInclusive<u16> = 15000..=15090;

/// The supported kinds of targets, each with its API group and the oldest minor version of Istio 1 that is known to
/// support it.
pub(crate) const TARGETS: [(&str, &str, u16); 4] = [
    ("", "Service", 22),
    ("gateway.networking.k8s.io", "Gateway", 22),
    ("gateway.networking.k8s.io", "GatewayClass", 29),
    ("networking.istio.io", "ServiceEntry", 24),
];
