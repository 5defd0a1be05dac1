//! The filters that guard a listener.

use serde_json::Value;

use crate::document::PathNormalization;

/// What enforcement is made of.
#[derive(Debug)]
pub(super) struct Guards {
    /// `NAMESPACE.NAME` of the objects that bring the filter: Istio's names of filters contain them.
    pub(super) plugins: Vec<String>,
    /// Filters on whose work rules rely.
    pub(super) sources: Vec<&'static str>,
    pub(super) normalization: PathNormalization,
}

/// Whether a map of settings for filters, by their names, has one for enforcement.
pub(super) fn names_guard(guards: &Guards, settings: &Value) -> Option<String> {
    let filters = settings.as_object()?;
    filters.keys().find(|name| guards.has(name)).cloned()
}
