//! The schema and its errors for documents.

use std::sync::LazyLock;

use jsonschema::Validator;
use policy_schema::json_schema::policy_document;
use policy_schema::yaml;
use serde_json::Value;

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
    let schema = policy_document().to_value();
    jsonschema::draft7::meta::validate(&schema).expect("a schema of draft 7");
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .expect("a schema")
});

/// The errors of the schema for a document.
pub(crate) fn refusals(document: &Value) -> Vec<String> {
    let errors = VALIDATOR.iter_errors(document);
    errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// The documents of a text, as editors read them. None if it is not YAML.
pub(crate) fn documents(text: &str) -> Option<Vec<Value>> {
    let nodes = yaml::parse(text).ok()?;
    nodes.iter().map(|node| yaml::read(node).0).collect()
}
