//! Which existing objects would be replaced by wider ones if the rendered objects were applied.
//!
//! The comparison is of what is written, object by object of the same name. What it cannot show to be
//! equal or narrower is reported.

mod authorization;
mod mutual_tls;

use std::collections::BTreeMap;

use super::object::Object;
use crate::diagnostic::Place;
use crate::istio::Resource;

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

/// The existing objects that would be replaced by wider ones, in the order of `rendered`.
pub fn widened<'r>(
    rendered: impl IntoIterator<Item = &'r Resource>,
    root_namespace: &str,
    existing: &[Object],
) -> Vec<Widening> {
    let existing: BTreeMap<_, _> = existing
        .iter()
        .map(|object| (object.id(), object))
        .collect();
    rendered
        .into_iter()
        // What was built of texts, numbers and lists is an object as JSON too.
        .filter_map(|resource| Object::new(serde_json::to_value(resource).ok()?))
        .filter_map(|new| {
            let old = existing.get(new.id())?;
            let reasons = if new.is("security.istio.io", "PeerAuthentication") {
                mutual_tls::wider(old, &new, root_namespace)
            } else if new.is("security.istio.io", "AuthorizationPolicy") {
                authorization::wider(old, &new)
            } else {
                Vec::new()
            };
            (!reasons.is_empty()).then(|| Widening {
                subject: old.to_string(),
                place: old.place(),
                reasons,
            })
        })
        .collect()
}

/// The specification of an object; an empty one where it has none.
fn spec<S: Default + serde::de::DeserializeOwned>(object: &Object) -> Result<S, String> {
    match object.at("/spec") {
        None => Ok(S::default()),
        Some(spec) => serde_json::from_value(spec.clone())
            .map_err(|reason| format!("the existing object is not understood ({reason})")),
    }
}
