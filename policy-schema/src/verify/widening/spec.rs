//! The specs of objects.

use super::super::object::Object;

/// The spec of an object. Empty if it has none.
pub(super) fn spec<S: Default + serde::de::DeserializeOwned>(object: &Object) -> Result<S, String> {
    match object.at("/spec") {
        None => Ok(S::default()),
        Some(spec) => serde_json::from_value(spec.clone())
            .map_err(|reason| format!("the existing object cannot be parsed ({reason})")),
    }
}
