//! The types of fields that are not otherwise read: istiod refuses a mesh config with a value of
//! the wrong type (istio/api, `mesh/v1alpha1/config.proto` and `proxy.proto`).

use serde_json::Value;

/// The type of a field in JSON (golang/protobuf, `jsonpb`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Boolean,
    Text,
    Texts,
    /// A number, or a string with one.
    Integer,
    /// A duration in Go's format, such as `1m30s`.
    Duration,
    Message,
    Messages,
    /// One of these names, or a number.
    Choice(&'static [&'static str]),
}

use Type::{Boolean, Choice, Duration, Integer, Message, Messages, Text, Texts};

/// Fields of `MeshConfig`.
pub(super) const MESH_CONFIG: [(&str, Type); 40] = [
    ("access_log_encoding", Choice(&["TEXT", "JSON"])),
    ("access_log_file", Text),
    ("access_log_format", Text),
    ("ca", Message),
    ("ca_certificates", Messages),
    ("certificates", Messages),
    ("config_sources", Messages),
    ("connect_timeout", Duration),
    ("default_config", Message),
    ("default_destination_rule_export_to", Texts),
    ("default_http_retry_policy", Message),
    ("default_providers", Message),
    ("default_service_export_to", Texts),
    ("default_virtual_service_export_to", Texts),
    ("disable_envoy_listener_log", Boolean),
    ("discovery_selectors", Messages),
    ("dns_refresh_rate", Duration),
    ("enable_auto_mtls", Boolean),
    ("enable_envoy_access_log_service", Boolean),
    ("enable_prometheus_merge", Boolean),
    ("enable_tracing", Boolean),
    ("h2_upgrade_policy", Choice(&["DO_NOT_UPGRADE", "UPGRADE"])),
    ("hbone_idle_timeout", Duration),
    ("inbound_cluster_stat_name", Text),
    ("inbound_traffic_policy", Message),
    ("ingress_class", Text),
    (
        "ingress_controller_mode",
        Choice(&["UNSPECIFIED", "OFF", "DEFAULT", "STRICT"]),
    ),
    ("ingress_selector", Text),
    ("ingress_service", Text),
    ("locality_lb_setting", Message),
    ("outbound_cluster_stat_name", Text),
    ("protocol_detection_timeout", Duration),
    ("proxy_http_port", Integer),
    ("proxy_inbound_listen_port", Integer),
    ("proxy_listen_port", Integer),
    ("service_settings", Messages),
    ("tcp_keepalive", Message),
    ("thrift_config", Message),
    ("tls_defaults", Message),
    ("verify_certificate_at_client", Boolean),
];

/// Fields of `ProxyConfig`.
pub(super) const PROXY_CONFIG: [(&str, Type); 26] = [
    ("availability_zone", Text),
    ("binary_path", Text),
    ("ca_certificates_pem", Texts),
    ("concurrency", Integer),
    ("config_path", Text),
    ("custom_config_file", Text),
    ("discovery_address", Text),
    ("drain_duration", Duration),
    ("envoy_access_log_service", Message),
    ("envoy_metrics_service", Message),
    ("extra_stat_tags", Texts),
    ("gateway_topology", Message),
    ("hold_application_until_proxy_starts", Boolean),
    ("image", Message),
    ("interception_mode", Choice(&["REDIRECT", "TPROXY", "NONE"])),
    ("mesh_id", Text),
    ("private_key_provider", Message),
    ("proxy_admin_port", Integer),
    ("proxy_bootstrap_template_path", Text),
    ("proxy_headers", Message),
    ("proxy_metadata", Message),
    ("proxy_stats_matcher", Message),
    ("runtime_values", Message),
    ("status_port", Integer),
    ("termination_drain_duration", Duration),
    ("tracing", Message),
];

impl Type {
    pub(super) fn takes(self, value: &Value) -> bool {
        let all = |is: fn(&Value) -> bool| value.as_array().is_some_and(|list| list.iter().all(is));
        match self {
            Boolean => value.is_boolean(),
            Text => value.is_string(),
            Texts => all(Value::is_string),
            Integer => {
                let of_text = value.as_str().and_then(|text| text.parse().ok());
                let number: Option<f64> = value.as_f64().or(of_text);
                number.is_some_and(|number| number.fract() == 0.0)
            }
            Duration => value.as_str().is_some_and(is_duration),
            Message => value.is_object(),
            Messages => all(Value::is_object),
            Choice(names) => {
                value.is_u64() || value.as_str().is_some_and(|name| names.contains(&name))
            }
        }
    }

    pub(super) fn expected(self) -> String {
        let text = match self {
            Boolean => "`true` or `false`",
            Text => "text",
            Texts => "a list of texts",
            Integer => "a whole number",
            Duration => "a duration such as `10s`",
            Message => "a mapping",
            Messages => "a list of mappings",
            Choice(names) => {
                let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
                return format!("one of {}", names.join(", "));
            }
        };
        text.to_owned()
    }
}

/// Whether Go parses a text as a duration (`time.ParseDuration`).
fn is_duration(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    if text == "0" {
        return true;
    }
    let mut rest = text;
    while !rest.is_empty() {
        let number = |letter: char| letter.is_ascii_digit() || letter == '.';
        let after = rest.trim_start_matches(number);
        let digits = rest.len() - after.len();
        let unit = after.split(number).next().unwrap_or_default();
        let is_number = rest
            .get(..digits)
            .is_some_and(|digits| digits.parse::<f64>().is_ok());
        if !is_number || !["ns", "us", "µs", "ms", "s", "m", "h"].contains(&unit) {
            return false;
        }
        rest = after.get(unit.len()..).unwrap_or_default();
    }
    !text.is_empty()
}
