//! Finds existing objects that applying the rendered objects would replace with wider ones.
//!
//! Objects of the same name are compared as written. Differences that are not provably equal or
//! narrower are reported.

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

/// An existing object that a rendered one would replace, and the reasons why that is, or may be,
/// wider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Widening {
    /// The object, as `KIND NAMESPACE/NAME`.
    pub subject: String,
    /// The place in a text, if it has one.
    pub place: Option<Place>,
    /// The widening differences, each in one clause.
    pub reasons: Vec<String>,
}

/// The existing objects that would be replaced by wider ones at the time `at`, in the order of
/// `rendered`. An object in several places is compared for each of them.
pub fn widened<'r>(
    rendered: impl IntoIterator<Item = &'r Resource>,
    root_namespace: &str,
    at: Timestamp,
    existing: &[Object],
) -> Vec<Widening> {
    let existing = by_id(existing);
    let mut found = Vec::new();
    for resource in rendered {
        // Strings, numbers and lists always serialize to an object.
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
