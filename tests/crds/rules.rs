//! The CEL rules of a definition (`x-kubernetes-validations`), at every level of an object.

use cel::{Context, Program, Value as Cel};
use serde_json::Value;

/// Rules that use Kubernetes-specific functions, recognized by a substring. They validate URLs,
/// which Peergate checks itself.
const NOT_EVALUATED: [&str; 1] = ["isURL("];

/// The rules that an object violates, each with its location.
pub(crate) fn broken(schema: &Value, value: &Value, place: &str) -> Vec<String> {
    let mut broken = Vec::new();
    walk(schema, value, place, &mut broken);
    broken
}

fn walk(schema: &Value, value: &Value, place: &str, broken: &mut Vec<String>) {
    let rules = schema["x-kubernetes-validations"].as_array();
    for rule in rules.into_iter().flatten() {
        let text = rule["rule"].as_str().unwrap();
        let is_about_changes = text.contains("oldSelf");
        let is_left_out = NOT_EVALUATED.iter().any(|part| text.contains(part));
        if !is_about_changes && !is_left_out && !holds(text, value, place) {
            broken.push(format!("{place}: {text}"));
        }
    }
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let property = match &schema["properties"][name] {
                    Value::Null => &schema["additionalProperties"],
                    property => property,
                };
                walk(property, field, &format!("{place}.{name}"), broken);
            }
        }
        Value::Array(elements) => {
            for (position, element) in elements.iter().enumerate() {
                let place = format!("{place}[{position}]");
                walk(&schema["items"], element, &place, broken);
            }
        }
        _ => {}
    }
}

fn holds(rule: &str, value: &Value, place: &str) -> bool {
    let program = Program::compile(rule).unwrap_or_else(|error| panic!("{place}: {rule}: {error}"));
    let mut context = Context::default();
    context.add_variable("self", value.clone()).unwrap();
    match program.execute(&context) {
        Ok(Cel::Bool(holds)) => holds,
        other => panic!("{place}: {rule}: {other:?}"),
    }
}
