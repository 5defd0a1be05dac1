//! Edits of JSON objects.

use serde_json::Value;

/// Sets a field of an object.
pub(super) fn put(object: &mut Value, key: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(key.into(), value);
    }
}
