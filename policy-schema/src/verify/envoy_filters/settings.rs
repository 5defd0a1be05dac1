//! Classifies settings in a patch: those that disable enforcement, and those that are unrelated.

use serde_json::Value;

use super::guards::{Guards, guard_in};
use crate::protobuf::{any_field, is_true, snake_case};
use crate::verify::path_handling::{changed_options, ignores_path_parameters};

/// Fields that only contain other fields.
const CONTAINER_FIELDS: [&str; 12] = [
    "common_http_protocol_options",
    "config",
    "connection_keepalive",
    "http2_protocol_options",
    "http_protocol_options",
    "route",
    "route_config",
    "routes",
    "transport_socket",
    "typed_config",
    "typed_extension_protocol_options",
    "virtual_hosts",
];

/// Fields of listeners, connection managers, routes and clusters that no rule depends on: names,
/// timeouts, limits, logs and response handling. Fields that change paths are compared with the
/// `Mesh` instead.
const HARMLESS_FIELDS: [&str; 68] = [
    "@type",
    "access_log",
    "access_log_options",
    "add_user_agent",
    "always_set_request_id_in_response",
    "circuit_breakers",
    "connect_timeout",
    "connection_balance_config",
    "connection_idle_interval",
    "cors",
    "delayed_close_timeout",
    "disable_stateful_session_resumption",
    "disable_stateless_session_resumption",
    "dns_lookup_family",
    "dns_refresh_rate",
    "domains",
    "drain_timeout",
    "enable_reuse_port",
    "explicit_http_config",
    "generate_request_id",
    "headers_with_underscores_action",
    "health_checks",
    "hpack_table_size",
    "idle_timeout",
    "include_request_attempt_count",
    "initial_connection_window_size",
    "initial_stream_window_size",
    "interval",
    "lb_policy",
    "listener_filters_timeout",
    "local_reply_config",
    "match",
    "max_concurrent_streams",
    "max_connection_duration",
    "max_grpc_timeout",
    "max_headers_count",
    "max_request_headers_kb",
    "max_requests_per_connection",
    "max_stream_duration",
    "merge_slashes",
    "name",
    "normalize_path",
    "outlier_detection",
    "path_with_escaped_slashes_action",
    "per_connection_buffer_limit_bytes",
    "prefix",
    "preserve_external_request_id",
    "proxy_100_continue",
    "rate_limits",
    "request_body_buffer_limit",
    "request_headers_timeout",
    "request_timeout",
    "respect_dns_ttl",
    "response_headers_to_add",
    "response_headers_to_remove",
    "retry_policy",
    "server_header_transformation",
    "server_name",
    "socket_options",
    "stat_prefix",
    "stream_error_on_invalid_http_message",
    "stream_idle_timeout",
    "tcp_backlog_size",
    "tcp_keepalive",
    "timeout",
    "tracing",
    "transport_socket_connect_timeout",
    "upstream_connection_options",
];

/// The setting in a patch's value, at any depth, that disables enforcement.
pub(super) fn disabling_setting(
    guards: &Guards,
    value: &Value,
    of_gateway: bool,
) -> Option<String> {
    let mut found = None;
    any_field(value, &mut |key, value| {
        found = match key {
            "trust_chain_verification" if is_accept_untrusted(value) && !of_gateway => {
                Some("accepts unvalidated certificates".to_owned())
            }
            // Whether declared gateways require certificates is up to the documents.
            "require_client_certificate" if !is_true(value) && !of_gateway => {
                Some("no longer requires client certificates".to_owned())
            }
            "typed_per_filter_config" => guard_in(guards, value)
                .map(|name| format!("overrides the settings of the filter `{name}` for routes")),
            _ => None,
        };
        found.is_some()
    });
    found.or_else(|| path_setting(guards, value))
}

/// Checks path normalization at any depth: in a connection manager, a route configuration, or
/// filters that contain either.
fn path_setting(guards: &Guards, value: &Value) -> Option<String> {
    let changed = changed_options(guards.normalization, value);
    if let Some(option) = changed.first() {
        return Some(format!(
            "sets `{option}`, which contradicts `pathNormalization` of the `Mesh`"
        ));
    }
    if ignores_path_parameters(value) {
        return Some(
            "sets `ignore_path_parameters_in_path_matching`, so RBAC matches a different path than the filter"
                .to_owned(),
        );
    }
    match value {
        Value::Object(fields) => fields
            .values()
            .find_map(|value| path_setting(guards, value)),
        Value::Array(elements) => elements
            .iter()
            .find_map(|value| path_setting(guards, value)),
        _ => None,
    }
}

/// The first setting that is not known to be harmless.
pub(super) fn unknown_setting(apply_to: &str, value: &Value) -> Option<String> {
    match value {
        Value::Object(fields) => fields.iter().find_map(|(key, value)| {
            let name = snake_case(key);
            if apply_to == "BOOTSTRAP" && name == "stats_config" {
                // Proxies that drop the revision metric are reported separately.
                None
            } else if name == "transport_socket" && !is_tls(value) {
                // Without TLS, callers have no identity.
                Some(name)
            } else if CONTAINER_FIELDS.contains(&&*name) {
                unknown_setting(apply_to, value)
            } else {
                (!HARMLESS_FIELDS.contains(&&*name)).then_some(name)
            }
        }),
        Value::Array(elements) => elements
            .iter()
            .find_map(|element| unknown_setting(apply_to, element)),
        // The name of a route, a string where a message is possible.
        _ => None,
    }
}

/// Whether no other transport socket than TLS is named in a patch.
fn is_tls(socket: &Value) -> bool {
    let has = |text: Option<&Value>, end: &str| {
        text.is_none_or(|text| text.as_str().is_some_and(|text| text.ends_with(end)))
    };
    let config = socket
        .get("typed_config")
        .or_else(|| socket.get("typedConfig"));
    has(socket.get("name"), "tls")
        && has(config.and_then(|config| config.get("@type")), "TlsContext")
}

/// Whether a patch's value, at any depth, makes the proxy accept certificates without validation.
pub(super) fn accepts_untrusted(value: &Value) -> bool {
    any_field(value, &mut |key, value| {
        key == "trust_chain_verification" && is_accept_untrusted(value)
    })
}

fn is_accept_untrusted(value: &Value) -> bool {
    value.as_str() == Some("ACCEPT_UNTRUSTED") || value.as_u64() == Some(1)
}
