//! The fields of the messages that are read, by protobuf name (istio/api,
//! `mesh/v1alpha1/config.proto`).
//!
//! Includes the fields of all supported versions of Istio: a field of another version is not
//! misspelled.

/// `MeshConfig`.
pub(super) const MESH_CONFIG: [&str; 54] = [
    "proxy_listen_port",
    "proxy_inbound_listen_port",
    "proxy_http_port",
    "connect_timeout",
    "hbone_idle_timeout",
    "protocol_detection_timeout",
    "tcp_keepalive",
    "ingress_class",
    "ingress_service",
    "ingress_controller_mode",
    "ingress_selector",
    "enable_tracing",
    "access_log_file",
    "access_log_format",
    "access_log_encoding",
    "enable_envoy_access_log_service",
    "disable_envoy_listener_log",
    "default_config",
    "outbound_traffic_policy",
    "inbound_traffic_policy",
    "config_sources",
    "enable_auto_mtls",
    "trust_domain",
    "trust_domain_aliases",
    "ca_certificates",
    "default_service_export_to",
    "default_virtual_service_export_to",
    "default_destination_rule_export_to",
    "root_namespace",
    "locality_lb_setting",
    "zone_aware_lb_setting",
    "dns_refresh_rate",
    "h2_upgrade_policy",
    "inbound_cluster_stat_name",
    "outbound_cluster_stat_name",
    "certificates",
    "thrift_config",
    "service_settings",
    "service_scope_configs",
    "enable_prometheus_merge",
    "verify_certificate_at_client",
    "ca",
    "extension_providers",
    "default_providers",
    "discovery_selectors",
    "path_normalization",
    "default_http_retry_policy",
    "mesh_mTLS",
    "tls_defaults",
    "default_traffic_policy",
    "service_entry_visibility",
    // Only in Istio 1.27.
    "file_flush_interval",
    "file_flush_min_size",
    // Long ignored, but still set by old charts.
    "sds_uds_path",
];

/// Fields of `MeshConfig` that istiod reads from the text itself, only by JSON name.
pub(super) const ONE_SPELLING: [&str; 2] = ["default_config", "default_providers"];

/// `MeshConfig.ProxyPathNormalization`.
pub(super) const PATH_NORMALIZATION: [&str; 1] = ["normalization"];

/// `MeshConfig.TLSConfig`.
pub(super) const TLS_CONFIG: [&str; 3] = ["min_protocol_version", "ecdh_curves", "cipher_suites"];

/// `MeshConfig.OutboundTrafficPolicy`.
pub(super) const OUTBOUND_TRAFFIC_POLICY: [&str; 2] = ["mode", "tls"];

/// `MeshConfig.ExtensionProvider`: its name, then the kinds of providers.
pub(super) const EXTENSION_PROVIDER: [&str; 16] = [
    "name",
    "envoy_ext_authz_http",
    "envoy_ext_authz_grpc",
    "zipkin",
    "lightstep",
    "datadog",
    "stackdriver",
    "opencensus",
    "skywalking",
    "opentelemetry",
    "prometheus",
    "envoy_file_access_log",
    "envoy_http_als",
    "envoy_tcp_als",
    "envoy_otel_als",
    "sds",
];

/// `MeshConfig.ExtensionProvider.EnvoyExternalAuthorizationHttpProvider`.
pub(super) const HTTP_AUTHORIZER: [&str; 14] = [
    "service",
    "port",
    "timeout",
    "path_prefix",
    "fail_open",
    "clear_route_cache",
    "status_on_error",
    "include_headers_in_check",
    "include_request_headers_in_check",
    "include_additional_headers_in_check",
    "include_request_body_in_check",
    "headers_to_upstream_on_allow",
    "headers_to_downstream_on_deny",
    "headers_to_downstream_on_allow",
];

/// `MeshConfig.ExtensionProvider.EnvoyExternalAuthorizationGrpcProvider`.
pub(super) const GRPC_AUTHORIZER: [&str; 7] = [
    "service",
    "port",
    "timeout",
    "fail_open",
    "clear_route_cache",
    "status_on_error",
    "include_request_body_in_check",
];
