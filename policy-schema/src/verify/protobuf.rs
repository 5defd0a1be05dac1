//! Messages of Envoy as JSON or YAML. A field has two spellings there, and a value several.

use serde_json::Value;

/// A field of a message, by its name in the protocol: `normalize_path` is also `normalizePath`.
pub(super) fn field<'v>(message: &'v Value, name: &str) -> Option<&'v Value> {
    let fields = message.as_object()?;
    fields.get(name).or_else(|| {
        let mut fields = fields.iter();
        fields
            .find(|(key, _)| snake_case(key) == name)
            .map(|(_, value)| value)
    })
}

/// The name of a field in the protocol, whichever spelling it has.
pub(super) fn snake_case(key: &str) -> String {
    let mut name = String::with_capacity(key.len());
    for character in key.chars() {
        if character.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(character.to_ascii_lowercase());
    }
    name
}

/// Whether a boolean is true: plain, as text, or wrapped.
pub(super) fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(value) => *value,
        Value::String(text) => text == "true",
        Value::Object(fields) => fields.get("value").is_some_and(is_true),
        _ => false,
    }
}

/// Whether anything in a message, however deep, has a property. `test` gets the name of a field and its value.
pub(super) fn any_field(message: &Value, test: &mut dyn FnMut(&str, &Value) -> bool) -> bool {
    match message {
        Value::Array(elements) => elements.iter().any(|element| any_field(element, test)),
        Value::Object(fields) => fields
            .iter()
            .any(|(key, value)| test(&snake_case(key), value) || any_field(value, test)),
        _ => false,
    }
}
