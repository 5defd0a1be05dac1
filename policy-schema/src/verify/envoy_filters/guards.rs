//! The filters that enforce policies.

use serde_json::Value;

use crate::document::PathNormalization;

/// The filters of enforcement.
#[derive(Debug)]
pub(super) struct Guards {
    /// `NAMESPACE.NAME` of the objects that install the filter. Istio's filter names contain it.
    pub(super) plugins: Vec<String>,
    /// Filters whose results rules depend on.
    pub(super) sources: Vec<&'static str>,
    pub(super) normalization: PathNormalization,
}

/// The enforcing filter for which a map of settings, by filter name, has an entry.
pub(super) fn guard_in(guards: &Guards, settings: &Value) -> Option<String> {
    let filters = settings.as_object()?;
    filters.keys().find(|name| guards.has(name)).cloned()
}
