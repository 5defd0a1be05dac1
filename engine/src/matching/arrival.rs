//! What a proxy does to the headers of a request before any filter or RBAC sees them: Envoy's HTTP
//! connection manager (`ConnectionManagerUtility::mutateRequestHeaders`) as Istio configures it for
//! sidecars, and the proxies of callers and gateways in front of it.

/// Whether proxies forward, set or remove a header before any rule sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderArrival {
    /// It arrives as the client sends it.
    AsSent,
    /// The proxy removes it from every request.
    Removed,
    /// The proxy removes it from every request except HTTP/1.1 upgrades.
    WithUpgrade,
    /// The proxy, or one in front of it, may set it or append to it.
    SetByProxies,
    /// The proxy removes it from requests whose address it does not consider internal.
    InternalOnly,
}

impl HeaderArrival {
    /// How header `name` arrives. `name` is in lower case.
    pub fn for_header(name: &str) -> Self {
        match name {
            "keep-alive" | "proxy-connection" | "transfer-encoding" => Self::Removed,
            "connection" | "upgrade" => Self::WithUpgrade,
            ":scheme"
            | "x-forwarded-client-cert"
            | "x-forwarded-for"
            | "x-forwarded-proto"
            | "x-request-id" => Self::SetByProxies,
            _ if INTERNAL_ONLY.contains(&name) => Self::InternalOnly,
            _ if name.starts_with("x-envoy-") => Self::SetByProxies,
            _ => Self::AsSent,
        }
    }
}

/// The headers that Envoy removes from requests that are not internal, at the edge and elsewhere.
const INTERNAL_ONLY: [&str; 15] = [
    "x-envoy-expected-rq-timeout-ms",
    "x-envoy-force-trace",
    "x-envoy-hedge-on-per-try-timeout",
    "x-envoy-ip-tags",
    "x-envoy-max-retries",
    "x-envoy-original-url",
    "x-envoy-retriable-header-names",
    "x-envoy-retriable-status-codes",
    "x-envoy-retry-grpc-on",
    "x-envoy-retry-on",
    "x-envoy-upstream-alt-stat-name",
    "x-envoy-upstream-rq-per-try-timeout-ms",
    "x-envoy-upstream-rq-timeout-alt-response",
    "x-envoy-upstream-rq-timeout-ms",
    "x-envoy-upstream-stream-duration-ms",
];
