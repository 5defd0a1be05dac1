//! The TLS part of listeners and clusters.

use std::path::Path;

use serde_json::{Value, json};

use super::json::put;
use crate::IdentityFiles;

/// TLS of a listener. Client certificates are always verified, and mandatory if `require` is set.
pub(super) fn downstream(
    identity: &IdentityFiles,
    ca: &Path,
    trust_domains: &[String],
    require: bool,
) -> Value {
    let matchers = trust_domains
        .iter()
        .map(|domain| uri_san(json!({ "prefix": format!("spiffe://{domain}/") })))
        .collect();
    let mut common = common(identity, ca, matchers);
    put(&mut common, "alpn_protocols", json!(["h2", "http/1.1"]));
    json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": common,
            "require_client_certificate": require,
        },
    })
}

/// TLS of a cluster.
pub(super) fn upstream(identity: &IdentityFiles, ca: &Path, server_name: Option<&str>) -> Value {
    let matchers = server_name
        .map(|name| uri_san(json!({ "exact": name })))
        .into_iter()
        .collect();
    json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
            "common_tls_context": common(identity, ca, matchers),
        },
    })
}

fn common(identity: &IdentityFiles, ca: &Path, san_matchers: Vec<Value>) -> Value {
    let mut validation = json!({ "trusted_ca": { "filename": ca } });
    if !san_matchers.is_empty() {
        put(
            &mut validation,
            "match_typed_subject_alt_names",
            Value::Array(san_matchers),
        );
    }
    json!({
        "tls_params": {
            "tls_minimum_protocol_version": "TLSv1_2",
            "tls_maximum_protocol_version": "TLSv1_3",
        },
        "tls_certificates": [{
            "certificate_chain": { "filename": identity.cert },
            "private_key": { "filename": identity.key },
        }],
        "validation_context": validation,
    })
}

fn uri_san(matcher: Value) -> Value {
    let mut san = json!({ "san_type": "URI" });
    put(&mut san, "matcher", matcher);
    san
}
