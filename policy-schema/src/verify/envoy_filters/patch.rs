//! A patch of an `EnvoyFilter` (Istio, networking.istio.io/v1alpha3): the fields that are judged.

use serde_json::Value;

/// A patch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patch<'o> {
    /// What it changes; empty if it does not say.
    pub(super) apply_to: &'o str,
    /// Where; empty for everywhere.
    pub(super) context: &'o str,
    /// What it does; empty if it does not say.
    pub(super) operation: &'o str,
    /// The network filter that it asks for.
    pub(super) network_filter: Option<&'o str>,
    /// The HTTP filter that it asks for.
    pub(super) http_filter: Option<&'o str>,
    /// What it adds or merges.
    pub(super) value: &'o Value,
}

/// Istio reads a context of this name, or none, as everywhere.
const EVERYWHERE: [&str; 2] = ["", "ANY"];

impl<'o> Patch<'o> {
    pub(super) fn of(patch: &'o Value) -> Self {
        let text = |pointer| patch.pointer(pointer).and_then(Value::as_str);
        Self {
            apply_to: text("/applyTo").unwrap_or_default(),
            context: text("/match/context").unwrap_or_default(),
            operation: text("/patch/operation").unwrap_or_default(),
            network_filter: text("/match/listener/filterChain/filter/name"),
            http_filter: text("/match/listener/filterChain/filter/subFilter/name"),
            value: patch.pointer("/patch/value").unwrap_or(&Value::Null),
        }
    }

    /// Whether it can change what callers of a proxy meet. A sidecar's way out meets none.
    pub(super) fn meets_callers(&self, of_gateway: bool) -> bool {
        EVERYWHERE.contains(&self.context)
            || match self.context {
                "SIDECAR_OUTBOUND" => false,
                "SIDECAR_INBOUND" => !of_gateway,
                "GATEWAY" => of_gateway,
                // Waypoints, and what is not known.
                _ => true,
            }
    }

    /// Whether it takes something away, or puts something else in its place.
    pub(super) fn takes_away(&self) -> bool {
        matches!(self.operation, "REMOVE" | "REPLACE")
    }
}
