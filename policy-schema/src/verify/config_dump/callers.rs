//! Determines from a listener's TLS settings whether it verifies callers.

use std::collections::BTreeMap;

use serde_json::Value;

/// The validator with separate roots for each trust domain.
const SPIFFE_VALIDATOR: &str = "envoy.tls.cert_validator.spiffe";

/// Whether a `DownstreamTlsContext` requires a certificate and validates it. `validations` are the
/// discovered validation contexts, by name.
pub(super) fn verifies_callers(context: &Value, validations: &BTreeMap<&str, &Value>) -> bool {
    let validation = Validation::new(context, validations);
    demands_certificate(context)
        && (validation.awaits || validation.known.iter().any(|known| has_roots(known)))
        && !validation.known.iter().any(|known| accepts_any(known))
}

/// Whether a `DownstreamTlsContext` accepts an optional certificate without validating it.
pub(super) fn accepts_unvalidated(context: &Value, validations: &BTreeMap<&str, &Value>) -> bool {
    let validation = Validation::new(context, validations);
    validation.known.iter().any(|known| accepts_any(known))
        || demands_certificate(context)
            && !validation.awaits
            && !validation.known.iter().any(|known| has_roots(known))
}

fn demands_certificate(context: &Value) -> bool {
    context.get("require_client_certificate") == Some(&Value::Bool(true))
}

/// The validation settings of a TLS context.
struct Validation<'v> {
    known: Vec<&'v Value>,
    /// Whether discovered settings are missing. A listener waits for them.
    awaits: bool,
}

impl<'v> Validation<'v> {
    fn new(context: &'v Value, validations: &BTreeMap<&str, &'v Value>) -> Self {
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

/// Whether there are roots. Without roots, Envoy accepts any certificate.
fn has_roots(validation: &Value) -> bool {
    let roots = validation.get("trusted_ca").and_then(Value::as_object);
    let validator = validation.pointer("/custom_validator_config/name");
    roots.is_some_and(|roots| !roots.is_empty())
        || validator.and_then(Value::as_str) == Some(SPIFFE_VALIDATOR)
}

fn accepts_any(validation: &Value) -> bool {
    let trust = validation.get("trust_chain_verification");
    trust.and_then(Value::as_str) == Some("ACCEPT_UNTRUSTED")
}
