//! Classifies settings of proxies: those that may affect enforcement, and harmless ones.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::protobuf::json_name;

/// Harmless fields of a `ProxyConfig` (istio/api, `mesh/v1alpha1/proxy.proto`), by their protobuf
/// names.
const HARMLESS: [&str; 34] = [
    "availability_zone",
    "concurrency",
    "config_path",
    "discovery_refresh_delay",
    "drain_duration",
    "envoy_access_log_service",
    "envoy_metrics_service",
    "envoy_metrics_service_address",
    "extra_stat_tags",
    "file_flush_interval",
    "file_flush_min_size_kb",
    // Determines which client addresses are trusted.
    "gateway_topology",
    "hold_application_until_proxy_starts",
    "image",
    "mesh_id",
    "parent_shutdown_duration",
    "private_key_provider",
    "proxy_admin_port",
    "proxy_stats_matcher",
    "readiness_probe",
    "service_cluster",
    "stat_name_length",
    "stats_compression",
    "statsd_udp_address",
    "status_port",
    "termination_drain_duration",
    "tracing",
    "tracing_service_name",
    "zipkin_address",
    // These are checked further.
    "control_plane_auth_policy",
    "discovery_address",
    "interception_mode",
    "proxy_metadata",
    "proxy_headers",
];

/// Headers in `proxyHeaders` that no rule can depend on.
const HARMLESS_HEADERS: [&str; 8] = [
    "attempt_count",
    "envoy_debug_headers",
    "metadata_exchange_headers",
    "preserve_http1_header_case",
    "request_id",
    "server",
    "x_forwarded_host",
    "x_forwarded_port",
];

/// Harmless variables of Istio's agent.
const HARMLESS_VARIABLES: [&str; 24] = [
    "DNS_FORWARD_PARALLEL",
    "DNS_FORWARD_TIMEOUT",
    "DNS_PROXY_ADDR",
    "ECC_CURVE",
    "ECC_SIGNATURE_ALGORITHM",
    "ENVOY_SKIP_DEPRECATED_LOGS",
    "EXIT_ON_ZERO_ACTIVE_CONNECTIONS",
    "GOMAXPROCS",
    "GOMEMLIMIT",
    "ISTIO_META_DNS_AUTO_ALLOCATE",
    "ISTIO_META_DNS_CAPTURE",
    "ISTIO_META_ENABLE_DNS_SERVER",
    // The ambient profile sets it. The sidecar then also accepts and opens mutual TLS tunnels.
    "ISTIO_META_ENABLE_HBONE",
    "ISTIO_META_ENABLE_SELF_DISCOVERY",
    "ISTIO_META_IDLE_TIMEOUT",
    "MINIMUM_DRAIN_DURATION",
    "SECRET_GRACE_PERIOD_RATIO",
    "SECRET_GRACE_PERIOD_RATIO_JITTER",
    "SECRET_TTL",
    "WASM_HTTP_REQUEST_MAX_RETRIES",
    "WASM_HTTP_REQUEST_TIMEOUT",
    "WASM_MODULE_EXPIRY",
    "WASM_PURGE_INTERVAL",
    "WORKLOAD_RSA_KEY_SIZE",
];

const OF_PROXY: [&str; 5] = [
    "/etc/istio",
    "/run/secrets",
    "/usr/local/bin",
    "/var/lib/istio",
    "/var/run/secrets",
];

/// Whether a mount at this path hides files of the proxy. A path with dots or empty segments may
/// lead anywhere.
pub(super) fn path_over_proxy(path: &str) -> bool {
    let is_within = |path: &str, folder: &str| {
        let rest = path.strip_prefix(folder.trim_end_matches('/'));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    path.contains("..")
        || path.contains("//")
        || path.contains("/./")
        || OF_PROXY
            .iter()
            .any(|own| is_within(path, own) || is_within(own, path))
}

/// The settings of a proxy config that may affect enforcement, as written.
pub(super) fn risky_settings(control_planes: &BTreeSet<&str>, config: &Value) -> Vec<String> {
    let fields = config.as_object().into_iter().flatten();
    let set = fields.filter(|(_, value)| !value.is_null());
    set.flat_map(|(key, value)| {
        let within = |names: Vec<String>| {
            names
                .into_iter()
                .map(|name| format!("{key}.{name}"))
                .collect()
        };
        let unless = |is_harmless: bool| {
            if is_harmless {
                Vec::new()
            } else {
                vec![key.clone()]
            }
        };
        let Some(name) = name_of(key, &HARMLESS) else {
            return vec![key.clone()];
        };
        match name {
            "proxy_metadata" => within(risky_variables(value)),
            "proxy_headers" => {
                let headers = value
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(header, _)| header);
                let risky_settings =
                    headers.filter(|header| name_of(header, &HARMLESS_HEADERS).is_none());
                within(risky_settings.cloned().collect())
            }
            "discovery_address" => unless(is_own_control_plane(control_planes, value)),
            "control_plane_auth_policy" => unless(value == "MUTUAL_TLS" || value == 1),
            "interception_mode" => {
                let capturing = ["REDIRECT", "TPROXY"].into_iter().any(|mode| value == mode);
                unless(capturing || value == 0 || value == 1)
            }
            _ => Vec::new(),
        }
    })
    .collect()
}

/// The protobuf name of a field in either spelling, if it is one of `names`.
fn name_of<'n>(key: &str, names: &[&'n str]) -> Option<&'n str> {
    let mut names = names.iter();
    names
        .find(|name| **name == key || json_name(name) == key)
        .copied()
}

pub(super) fn risky_variables(variables: &Value) -> Vec<String> {
    let names = variables
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name);
    names
        .filter(|name| !is_harmless_variable(name))
        .cloned()
        .collect()
}

/// Whether a variable of Istio's agent is harmless.
pub(super) fn is_harmless_variable(name: &str) -> bool {
    HARMLESS_VARIABLES.contains(&name)
}

/// Whether the address is an istiod of the mesh, in one of these namespaces.
pub(super) fn is_own_control_plane(namespaces: &BTreeSet<&str>, address: &Value) -> bool {
    let host = address
        .as_str()
        .and_then(|address| address.split(':').next());
    let mut labels = host.unwrap_or_default().split('.');
    let is_istiod = labels.next().is_some_and(|name| name.starts_with("istiod"));
    let is_own = |namespace| namespaces.contains(namespace);
    is_istiod && labels.next().is_some_and(is_own) && labels.next() == Some("svc")
}
