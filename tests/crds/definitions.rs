//! Istio's custom resource definitions by release.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

/// The available releases, oldest first. A version is checked against the newest release that is
/// not newer.
const RELEASES: [u16; 4] = [18, 24, 29, 31];

/// Fields or values added between two of these releases, with their minor version. The older
/// definitions do not know them.
const CAME_BETWEEN: [(&str, u16); 3] = [
    ("failStrategy", 19),
    ("targetRefs", 22),
    ("failStrategy", 27),
];

/// The definitions of one release.
pub(crate) struct Definitions {
    documents: Vec<Value>,
    too_new: Vec<&'static str>,
}

impl Definitions {
    /// The definitions for Istio 1.`minor`.
    pub(crate) fn read(folder: &Path, minor: u16) -> Self {
        let release = RELEASES.iter().rfind(|release| **release <= minor).unwrap();
        let path = folder.join(format!("istio-1.{release}.yaml"));
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        let documents: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
        let is_too_new = |since: u16| *release < since && since <= minor;
        let too_new = CAME_BETWEEN
            .into_iter()
            .filter(|(_, since)| is_too_new(*since));
        Self {
            documents,
            too_new: too_new.map(|(field, _)| field).collect(),
        }
    }

    /// The fields of a `spec` that are newer than these definitions.
    pub(crate) fn too_new(&self) -> &[&'static str] {
        &self.too_new
    }

    /// The OpenAPI schema for a kind and version.
    pub(crate) fn schema(&self, api_version: &str, kind: &str) -> Option<&Value> {
        let (group, version) = api_version.split_once('/')?;
        let definition = self.documents.iter().find(|document| {
            document["spec"]["names"]["kind"] == kind && document["spec"]["group"] == group
        })?;
        let versions = definition["spec"]["versions"].as_array()?;
        let is_served = |found: &&Value| found["name"] == version && found["served"] == true;
        let version = versions.iter().find(is_served)?;
        Some(&version["schema"]["openAPIV3Schema"])
    }
}

/// A JSON Schema that rejects what a cluster would reject, and also fields that it would drop: a
/// rule without a dropped field would match more than intended.
pub(crate) fn json_schema(open_api: &Value) -> Value {
    let Value::Object(open_api) = open_api else {
        return open_api.clone();
    };
    let mut schema = serde_json::Map::new();
    for (key, value) in open_api {
        let value = match key.as_str() {
            "properties" => value
                .as_object()
                .unwrap()
                .iter()
                .map(|(name, property)| (name.clone(), json_schema(property)))
                .collect(),
            "items" | "additionalProperties" | "not" => json_schema(value),
            "anyOf" | "oneOf" | "allOf" => value
                .as_array()
                .unwrap()
                .iter()
                .map(open_alternative)
                .collect(),
            key if key.starts_with("x-") => continue,
            _ => value.clone(),
        };
        schema.insert(key.clone(), value);
    }
    let keeps_all = open_api.get("x-kubernetes-preserve-unknown-fields") == Some(&json!(true));
    if open_api.contains_key("properties")
        && !keeps_all
        && !open_api.contains_key("additionalProperties")
    {
        schema.insert("additionalProperties".to_owned(), json!(false));
    }
    if open_api.get("x-kubernetes-int-or-string") == Some(&json!(true)) {
        schema.insert("type".to_owned(), json!(["integer", "string"]));
    }
    Value::Object(schema)
}

/// Alternatives only define which fields can be combined; the fields themselves are defined next to
/// them.
fn open_alternative(open_api: &Value) -> Value {
    let mut schema = json_schema(open_api);
    tolerate_others(&mut schema);
    schema
}

fn tolerate_others(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.get("additionalProperties") == Some(&json!(false)) {
                fields.remove("additionalProperties");
            }
            fields.values_mut().for_each(tolerate_others);
        }
        Value::Array(elements) => elements.iter_mut().for_each(tolerate_others),
        _ => {}
    }
}
