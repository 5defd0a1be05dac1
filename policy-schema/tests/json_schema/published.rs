//! The published schema matches the generated one.

use policy_schema::json_schema::{modeline, policy_document, url};
use serde_json::Value;

use crate::files::{read, root};

#[test]
fn the_published_schema_is_what_the_command_prints() {
    let published = read(&root().join("docs/schema/peergate.schema.json"));
    let printed = serde_json::to_string_pretty(&policy_document()).unwrap() + "\n";
    assert!(
        published == printed,
        "run `peergate schema --force --out docs/schema/peergate.schema.json`"
    );
}

#[test]
fn the_schema_is_a_file_of_the_repository() {
    let (_, path) = url()
        .split_once(&format!("/v{}/", env!("CARGO_PKG_VERSION")))
        .map(|(base, path)| (base.to_owned(), path.to_owned()))
        .unwrap();
    assert!(root().join(path).is_file());
    assert_eq!(policy_document().get("$id"), Some(&Value::from(url())));
}

#[test]
fn the_first_policy_and_the_page_name_the_schema() {
    let first = read(&root().join("wasmplugin/src/commands/init/policy.yaml"));
    assert!(first.starts_with(&modeline()), "begin with {}", modeline());
    let page = read(&root().join("docs/editors.md"));
    assert!(page.contains(&modeline()), "{}", modeline());
}

/// Editors show the description of a field on hover.
#[test]
fn every_field_is_described() {
    fn walk(place: &str, schema: &Value, undescribed: &mut Vec<String>) {
        let Value::Object(fields) = schema else {
            return;
        };
        for (name, field) in fields
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let conditions = ["/allOf", "/oneOf", "/if", "/then"];
            let is_condition = conditions.iter().any(|part| place.contains(part));
            let description = field.get("description").and_then(Value::as_str);
            if !is_condition && description.is_none_or(|text| text.contains("[`")) {
                undescribed.push(format!("{place}/{name}: {description:?}"));
            }
        }
        for (key, value) in fields {
            match value {
                Value::Array(values) => {
                    for value in values {
                        walk(&format!("{place}/{key}"), value, undescribed);
                    }
                }
                value => walk(&format!("{place}/{key}"), value, undescribed),
            }
        }
    }
    let mut undescribed = Vec::new();
    walk("", policy_document().as_value(), &mut undescribed);
    assert!(undescribed.is_empty(), "{undescribed:#?}");
}
