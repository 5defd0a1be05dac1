//! Determines from a proxy's bootstrap whether it keeps the metric that reports revisions.

use serde_json::Value;

use super::elements;
use crate::telemetry::metric::REVISION;

/// The prefix of metrics of Wasm filters.
const SCOPE: &str = "wasmcustom.";

/// Whether a `StatsMatcher` may drop the revisions of policies. Regular expressions are not
/// evaluated.
pub(super) fn hides_revisions(matcher: &Value) -> bool {
    let patterns = |list: &str| {
        let list = matcher.get(list)?;
        Some(elements(list, "patterns"))
    };
    if let Some(mut included) = patterns("inclusion_list") {
        return !included.any(|pattern| matches(pattern) == Some(true));
    }
    if let Some(mut excluded) = patterns("exclusion_list") {
        return excluded.any(|pattern| matches(pattern) != Some(false));
    }
    matcher.get("reject_all") == Some(&Value::Bool(true))
}

/// Whether a pattern matches all names of the metric. None if unknown.
fn matches(pattern: &Value) -> Option<bool> {
    let text = |kind: &str| pattern.get(kind).and_then(Value::as_str);
    let name = [SCOPE, REVISION.name].concat();
    if let Some(start) = text("prefix") {
        return if name.starts_with(start) {
            Some(true)
        } else {
            (!start.starts_with(&name)).then_some(false)
        };
    }
    if let Some(part) = text("contains") {
        return name.contains(part).then_some(true);
    }
    None
}
