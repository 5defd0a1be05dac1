//! The judged fields of an `EnvoyFilter` patch (Istio, networking.istio.io/v1alpha3).

use serde_json::Value;

/// A patch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patch<'o> {
    /// `applyTo`. Empty if absent.
    pub(super) apply_to: &'o str,
    /// The context. Empty for all.
    pub(super) context: &'o str,
    /// The operation. Empty if absent.
    pub(super) operation: &'o str,
    /// The network filter that it selects.
    pub(super) network_filter: Option<&'o str>,
    /// The HTTP filter that it selects.
    pub(super) http_filter: Option<&'o str>,
    /// The value that it adds or merges.
    pub(super) value: &'o Value,
}

/// Contexts that mean all.
const EVERYWHERE: [&str; 2] = ["", "ANY"];

impl<'o> Patch<'o> {
    pub(super) fn new(patch: &'o Value) -> Self {
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

    /// Whether it can affect callers of a proxy. A sidecar's outbound listeners have none.
    pub(super) fn affects_callers(&self, of_gateway: bool) -> bool {
        EVERYWHERE.contains(&self.context)
            || match self.context {
                "SIDECAR_OUTBOUND" => false,
                "SIDECAR_INBOUND" => !of_gateway,
                "GATEWAY" => of_gateway,
                // Waypoints and unknown contexts.
                _ => true,
            }
    }

    /// Whether it removes or replaces something.
    pub(super) fn takes_away(&self) -> bool {
        matches!(self.operation, "REMOVE" | "REPLACE")
    }
}
