//! Reads protobuf messages of Envoy and Istio from JSON or YAML, where a field has two spellings
//! and a value several.

use serde_json::Value;

/// A field of a message, by protobuf name: `normalize_path` is also `normalizePath`. `null` means
/// unset.
pub(crate) fn field<'v>(message: &'v Value, name: &str) -> Option<&'v Value> {
    let (_, value) = entry(message, name)?;
    Some(value)
}

/// A field of a message with its actual spelling. The JSON name wins if both are present.
pub(crate) fn entry<'v>(message: &'v Value, name: &str) -> Option<(&'v str, &'v Value)> {
    let fields = message.as_object()?;
    let (key, value) = fields
        .get_key_value(&*json_name(name))
        .or_else(|| fields.get_key_value(name))?;
    (!value.is_null()).then_some((key, value))
}

/// The JSON name of a field, from its protobuf name: `mesh_mTLS` becomes `meshMTLS`.
pub(crate) fn json_name(name: &str) -> String {
    let mut spelling = String::with_capacity(name.len());
    let mut starts_word = false;
    for character in name.chars() {
        if character == '_' {
            starts_word = true;
        } else if std::mem::take(&mut starts_word) {
            spelling.push(character.to_ascii_uppercase());
        } else {
            spelling.push(character);
        }
    }
    spelling
}

/// The protobuf name of a field in either spelling.
pub(crate) fn snake_case(key: &str) -> String {
    let mut name = String::with_capacity(key.len());
    for character in key.chars() {
        if character.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(character.to_ascii_lowercase());
    }
    name
}

/// Whether a boolean is true: plain, as a string, or wrapped.
pub(crate) fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(value) => *value,
        Value::String(text) => text == "true",
        Value::Object(fields) => fields.get("value").is_some_and(is_true),
        _ => false,
    }
}

/// Whether any field of a message, at any depth, satisfies `test`, which gets its name and value.
pub(crate) fn any_field(message: &Value, test: &mut dyn FnMut(&str, &Value) -> bool) -> bool {
    match message {
        Value::Array(elements) => elements.iter().any(|element| any_field(element, test)),
        Value::Object(fields) => fields
            .iter()
            .any(|(key, value)| test(&snake_case(key), value) || any_field(value, test)),
        _ => false,
    }
}
