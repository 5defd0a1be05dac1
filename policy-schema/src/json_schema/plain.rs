//! Simplifies schemas for documents: no `null`, and readable descriptions.

use schemars::Schema;
use schemars::transform::transform_subschemas;
use serde_json::Value;

/// Removes `null`, which `validate` never accepts, and the links and line breaks of Rust comments in descriptions.
pub(super) fn simplify(schema: &mut Schema) {
    transform_subschemas(&mut simplify, schema);
    // The schema has the ranges of Rust's numbers as bounds.
    schema.remove("format");
    remove_null_type(schema);
    remove_null_alternative(schema);
    if let Some(Value::String(description)) = schema.get_mut("description") {
        let paragraphs = description.split("\n\n");
        let paragraphs: Vec<_> = paragraphs
            .map(|paragraph| {
                paragraph
                    .replace('\n', " ")
                    .replace("[`", "`")
                    .replace("`]", "`")
            })
            .collect();
        *description = paragraphs.join("\n\n");
    }
}

fn remove_null_type(schema: &mut Schema) {
    if let Some(types) = schema.get_mut("type")
        && let Value::Array(names) = types
    {
        names.retain(|name| name != "null");
        if let [only] = names.as_slice() {
            *types = only.clone();
        }
    }
}

fn remove_null_alternative(schema: &mut Schema) {
    let Some(Value::Array(alternatives)) = schema.get_mut("anyOf") else {
        return;
    };
    let before = alternatives.len();
    alternatives.retain(|alternative| alternative.get("type") != Some(&Value::from("null")));
    if alternatives.len() < before
        && let [Value::Object(only)] = alternatives.as_mut_slice()
    {
        let only = std::mem::take(only);
        schema.remove("anyOf");
        for (key, value) in only {
            // The field's own keywords take precedence over those of its type.
            if schema.get(&key).is_none() {
                schema.insert(key, value);
            }
        }
    }
}
