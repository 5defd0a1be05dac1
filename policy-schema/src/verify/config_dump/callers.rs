//! A listener's TLS → whether it verifies who calls.

use std::collections::BTreeMap;

use serde_json::Value;

/// The validator that holds each trust domain to roots of its own, which stand in it.
const SPIFFE_VALIDATOR: &str = "envoy.tls.cert_validator.spiffe";

/// Whether a `DownstreamTlsContext` demands a certificate, and of somebody that it trusts. `validations`
/// are those that came by discovery, by their names.
pub(super) fn verifies_callers(context: &Value, validations: &BTreeMap<&str, &Value>) -> bool {
    let common = |pointer: &str| context.pointer(&format!("/common_tls_context{pointer}"));
    let inline = [
        common("/validation_context"),
        common("/combined_validation_context/default_validation_context"),
    ];
    let names = [
        common("/validation_context_sds_secret_config/name"),
        common("/combined_validation_context/validation_context_sds_secret_config/name"),
    ];
    let names = || names.into_iter().flatten().filter_map(Value::as_str);
    let known = || {
        let delivered = names().filter_map(|name| validations.get(name).copied());
        inline.into_iter().flatten().chain(delivered)
    };
    // A listener waits for what it is yet to get.
    let awaits = names().any(|name| !validations.contains_key(name));
    context.get("require_client_certificate") == Some(&Value::Bool(true))
        && (awaits || known().any(has_roots))
        && !known().any(takes_any)
}

/// Without roots Envoy takes whichever certificate it gets.
fn has_roots(validation: &Value) -> bool {
    let roots = validation.get("trusted_ca").and_then(Value::as_object);
    let validator = validation.pointer("/custom_validator_config/name");
    roots.is_some_and(|roots| !roots.is_empty())
        || validator.and_then(Value::as_str) == Some(SPIFFE_VALIDATOR)
}

fn takes_any(validation: &Value) -> bool {
    let trust = validation.get("trust_chain_verification");
    trust.and_then(Value::as_str) == Some("ACCEPT_UNTRUSTED")
}
