//! A listener's TLS → whether it verifies who calls.

use std::collections::BTreeMap;

use serde_json::Value;

/// The validator that holds each trust domain to roots of its own, which stand in it.
const SPIFFE_VALIDATOR: &str = "envoy.tls.cert_validator.spiffe";

/// Whether a `DownstreamTlsContext` demands a certificate, and of somebody that it trusts. `validations`
/// are those that came by discovery, by their names.
pub(super) fn verifies_callers(context: &Value, validations: &BTreeMap<&str, &Value>) -> bool {
    let validation = Validation::of(context, validations);
    demands_certificate(context)
        && (validation.awaits || validation.known.iter().any(|known| has_roots(known)))
        && !validation.known.iter().any(|known| takes_any(known))
}

/// Whether a `DownstreamTlsContext` takes a certificate, if a caller has one, that it does not validate.
pub(super) fn takes_unvalidated(context: &Value, validations: &BTreeMap<&str, &Value>) -> bool {
    let validation = Validation::of(context, validations);
    validation.known.iter().any(|known| takes_any(known))
        || demands_certificate(context)
            && !validation.awaits
            && !validation.known.iter().any(|known| has_roots(known))
}

fn demands_certificate(context: &Value) -> bool {
    context.get("require_client_certificate") == Some(&Value::Bool(true))
}

/// What a TLS context holds certificates of callers to.
struct Validation<'v> {
    known: Vec<&'v Value>,
    /// A listener waits for what it is yet to get.
    awaits: bool,
}

impl<'v> Validation<'v> {
    fn of(context: &'v Value, validations: &BTreeMap<&str, &'v Value>) -> Self {
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
        let delivered = names().filter_map(|name| validations.get(name).copied());
        Self {
            known: inline.into_iter().flatten().chain(delivered).collect(),
            awaits: names().any(|name| !validations.contains_key(name)),
        }
    }
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
