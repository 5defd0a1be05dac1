//! Which existing objects would be replaced by wider ones if the rendered objects were applied.
//!
//! The comparison is of what is written, object by object of the same name. What it cannot show to be
//! equal or narrower is reported.

mod authorization;
mod mutual_tls;
mod plugin;
mod rules;
mod spec;

use super::object::{Object, by_id};
use crate::diagnostic::Place;
use crate::istio::{Resource, ResourceKind};
use crate::timestamp::Timestamp;

use spec::spec;

/// An existing object that a rendered one would replace, and how that is wider, or may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Widening {
    /// The object, as `KIND NAMESPACE/NAME`.
    pub subject: String,
    /// Where it stands, if it is of a text.
    pub place: Option<Place>,
    /// Each difference that widens, in one clause.
    pub reasons: Vec<String>,
}

/// The existing objects that would be replaced by wider ones at the time `at`, in the order of `rendered`. An
/// object that stands in several places is compared in each of them.
pub fn widened<'r>(
    rendered: impl IntoIterator<Item = &'r Resource>,
    root_namespace: &str,
    at: Timestamp,
    existing: &[Object],
) -> Vec<Widening> {
    let existing = by_id(existing);
    let mut found = Vec::new();
    for resource in rendered {
        // What was built of texts, numbers and lists is an object as JSON too.
        let Some(new) = serde_json::to_value(resource).ok().and_then(Object::new) else {
            continue;
        };
        for old in existing.get(new.id()).into_iter().flatten() {
            let reasons = match resource.kind() {
                ResourceKind::PeerAuthentication => mutual_tls::wider(old, &new, root_namespace),
                ResourceKind::AuthorizationPolicy => authorization::wider(old, &new),
                ResourceKind::WasmPlugin => plugin::wider(old, &new, "/spec", at),
                ResourceKind::TrafficExtension => plugin::wider(old, &new, "/spec/wasm", at),
                _ => Vec::new(),
            };
            let widening = Widening {
                subject: old.to_string(),
                place: old.place(),
                reasons,
            };
            if !widening.reasons.is_empty() && !found.contains(&widening) {
                found.push(widening);
            }
        }
    }
    found
}
