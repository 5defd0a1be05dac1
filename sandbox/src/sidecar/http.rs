//! The HTTP part of a listener.

use std::path::Path;

use serde_json::{Value, json};

use super::json::put;

/// The handling of the `x-forwarded-client-cert` header.
#[derive(Clone, Copy)]
pub(super) enum ForwardedCert {
    /// Remove it, because the application behind a sidecar must not forward identities.
    Sanitize,
    /// Append the client certificate. Envoy still removes values from clients without mTLS.
    Append,
}

/// A listener's HTTP connection manager.
pub(super) struct HttpListener<'a> {
    pub(super) stat_prefix: &'a str,
    /// The cluster of all requests.
    pub(super) cluster: &'a str,
    /// The filters before the router.
    pub(super) http_filters: &'a [Value],
    pub(super) forwarded_cert: ForwardedCert,
    pub(super) access_log: Option<&'a Path>,
}

impl HttpListener<'_> {
    pub(super) fn connection_manager(&self) -> Value {
        let mut manager = json!({
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": self.stat_prefix,
            "codec_type": "AUTO",
            "use_remote_address": false,
            // Istio's default path normalization, `BASE`.
            "normalize_path": true,
            "merge_slashes": false,
            "path_with_escaped_slashes_action": "KEEP_UNCHANGED",
            "http2_protocol_options": { "allow_connect": true },
            "upgrade_configs": [{ "upgrade_type": "websocket" }],
            "route_config": self.routes(),
            "http_filters": self.filters(),
        });
        match self.forwarded_cert {
            ForwardedCert::Sanitize => {
                put(
                    &mut manager,
                    "forward_client_cert_details",
                    json!("SANITIZE"),
                );
            }
            ForwardedCert::Append => {
                put(
                    &mut manager,
                    "forward_client_cert_details",
                    json!("APPEND_FORWARD"),
                );
                put(
                    &mut manager,
                    "set_current_client_cert_details",
                    json!({ "subject": true, "uri": true, "dns": true }),
                );
            }
        }
        if let Some(path) = self.access_log {
            put(&mut manager, "access_log", json!([access_log(path)]));
        }
        json!({
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": manager,
        })
    }

    fn filters(&self) -> Vec<Value> {
        let router = json!({
            "name": "envoy.filters.http.router",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
            },
        });
        self.http_filters.iter().cloned().chain([router]).collect()
    }

    fn routes(&self) -> Value {
        // No timeout, as in Istio.
        let route = json!({ "cluster": self.cluster, "timeout": "0s" });
        json!({
            "name": self.stat_prefix,
            "virtual_hosts": [{
                "name": "all",
                "domains": ["*"],
                // As in Istio, so no route matches `CONNECT`.
                "routes": [{ "match": { "prefix": "/" }, "route": route }],
            }],
        })
    }
}

fn access_log(path: &Path) -> Value {
    json!({
        "name": "envoy.access_loggers.file",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
            "path": path,
            "log_format": { "json_format": {
                "method": "%REQ(:METHOD)%",
                "path": "%REQ(:PATH)%",
                "authority": "%REQ(:AUTHORITY)%",
                "protocol": "%PROTOCOL%",
                "request_id": "%REQ(X-REQUEST-ID)%",
                "response_code": "%RESPONSE_CODE%",
                "response_code_details": "%RESPONSE_CODE_DETAILS%",
                "response_flags": "%RESPONSE_FLAGS%",
                "peer": "%DOWNSTREAM_PEER_URI_SAN%",
                "filter_chain": "%FILTER_CHAIN_NAME%",
                "rbac": "%DYNAMIC_METADATA(envoy.filters.http.rbac)%",
            } },
        },
    })
}
