//! Compares objects with the rendered ones.

use serde_json::{Map, Value};

use super::object::Object;
use crate::problem::{Cursor, Location};

/// Defaults that a cluster adds to objects of these kinds (Kubernetes, `networking/v1`; Gateway
/// API, `v1`).
const DEFAULTS: [(&str, &[(&str, &str)]); 3] = [
    ("NetworkPolicy", &[("protocol", r#""TCP""#)]),
    ("Gateway", GATEWAY_API),
    ("HTTPRoute", GATEWAY_API),
];

const GATEWAY_API: &[(&str, &str)] = &[
    ("group", r#""""#),
    ("group", r#""gateway.networking.k8s.io""#),
    ("kind", r#""Gateway""#),
    ("kind", r#""Secret""#),
    ("kind", r#""Service""#),
    ("weight", "1"),
    ("mode", r#""Terminate""#),
    ("allowedRoutes", r#"{"namespaces":{"from":"Same"}}"#),
    ("path", r#"{"type":"PathPrefix","value":"/"}"#),
    ("matches", r#"[{"path":{"type":"PathPrefix","value":"/"}}]"#),
];

/// Prefixes of the annotations and labels that Istio or Peergate interprets. Others belong to their
/// owners.
const MEANINGFUL: [&str; 2] = ["istio.io/", "peergate.dev/"];

/// The fields with the content of an object, and their paths. `data` is for a `ConfigMap`.
const CONTENTS: [(&str, &str); 2] = [("spec", "/spec"), ("data", "/data")];

/// A difference between an object and the rendered one.
pub(super) struct Difference {
    pub(super) field: Location,
    /// The difference, in one clause.
    pub(super) message: String,
}

/// The first difference between a rendered object and an observed one.
pub(super) fn difference(rendered: &Object, found: &Object) -> Option<Difference> {
    let nothing = Value::Null;
    let group = &rendered.id().group;
    // Istio's own `Gateway` has no defaults.
    let kind = if group == "networking.istio.io" {
        ""
    } else {
        rendered.kind()
    };
    let root = Cursor::Root;
    let metadata = root.key("metadata");
    compare_metadata(rendered, found, "annotations", &metadata)
        .or_else(|| compare_metadata(rendered, found, "labels", &metadata))
        .or_else(|| {
            CONTENTS.iter().find_map(|(field, pointer)| {
                let rendered = rendered.at(pointer).unwrap_or(&nothing);
                let found = found.at(pointer).unwrap_or(&nothing);
                let is_empty =
                    |value: &Value| value.is_null() || value.as_object().is_some_and(Map::is_empty);
                if is_empty(rendered) && is_empty(found) {
                    return None;
                }
                compare_values(rendered, found, kind, &root.key(field))
            })
        })
}

/// Compares annotations or labels. All rendered ones must exist, and no others that are
/// interpreted.
fn compare_metadata(
    rendered: &Object,
    found: &Object,
    field: &str,
    metadata: &Cursor<'_>,
) -> Option<Difference> {
    let pointer = format!("/metadata/{field}");
    let (rendered, found) = (rendered.texts(&pointer), found.texts(&pointer));
    let within = metadata.key(field);
    let of_wanted = rendered
        .iter()
        .find(|(key, value)| found.get(*key) != Some(*value))
        .map(|(key, value)| {
            let place = within.key(key).location();
            match found.get(key) {
                Some(other) => differs(place, other, value),
                None => lacks(place, value),
            }
        });
    of_wanted.or_else(|| {
        let has_meaning = |key: &str| MEANINGFUL.iter().any(|start| key.starts_with(start));
        let mut others = found.iter();
        let (key, value) =
            others.find(|(key, _)| has_meaning(key) && !rendered.contains_key(*key))?;
        Some(adds(within.key(key).location(), value))
    })
}

fn compare_values(
    rendered: &Value,
    found: &Value,
    kind: &str,
    at: &Cursor<'_>,
) -> Option<Difference> {
    match (rendered, found) {
        (Value::Object(rendered), Value::Object(found)) => {
            let of_wanted = rendered.iter().find_map(|(key, value)| {
                let at = at.key(key);
                match found.get(key) {
                    Some(other) => compare_values(value, other, kind, &at),
                    None => Some(lacks(at.location(), &plain(value))),
                }
            });
            of_wanted.or_else(|| {
                let mut others = found.iter();
                let (key, value) = others.find(|(key, value)| {
                    !rendered.contains_key(*key) && !is_default(kind, key, value)
                })?;
                Some(adds(at.key(key).location(), &plain(value)))
            })
        }
        (Value::Array(rendered), Value::Array(found)) => {
            let pairs = rendered.iter().zip(found).enumerate();
            let of_pairs = pairs.into_iter().find_map(|(index, (value, other))| {
                compare_values(value, other, kind, &at.index(index))
            });
            of_pairs.or_else(|| {
                let shorter = rendered.len().min(found.len());
                let at = at.index(shorter);
                match (rendered.get(shorter), found.get(shorter)) {
                    (Some(value), _) => Some(lacks(at.location(), &plain(value))),
                    (None, Some(value)) => Some(adds(at.location(), &plain(value))),
                    (None, None) => None,
                }
            })
        }
        (Value::Number(one), Value::Number(other)) if one.as_f64() == other.as_f64() => None,
        _ if rendered == found => None,
        _ => Some(differs(at.location(), &plain(found), &plain(rendered))),
    }
}

fn is_default(kind: &str, key: &str, value: &Value) -> bool {
    let of_kind = DEFAULTS.iter().find(|(known, _)| *known == kind);
    of_kind.is_some_and(|(_, defaults)| {
        defaults.iter().any(|(field, json)| {
            *field == key
                && serde_json::from_str::<Value>(json).is_ok_and(|default| default == *value)
        })
    })
}

fn differs(field: Location, found: &str, rendered: &str) -> Difference {
    let (found, rendered) = (short(found), short(rendered));
    let message = format!("`{field}` is `{found}`, but the documents render `{rendered}`");
    Difference { field, message }
}

fn lacks(field: Location, rendered: &str) -> Difference {
    let rendered = short(rendered);
    let message = format!("`{field}` is missing, but the documents render `{rendered}`");
    Difference { field, message }
}

fn adds(field: Location, found: &str) -> Difference {
    let found = short(found);
    let message = format!("`{field}` is `{found}`, but the documents do not render it");
    Difference { field, message }
}

/// A string as it is, and anything else as JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Abbreviates a value. Values can be whole plugin configs.
fn short(text: &str) -> String {
    const MAX_CHARS: usize = 80;
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
