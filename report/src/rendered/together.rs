//! All objects in one stream.

use serde::Serialize;

use super::HEADER;
use super::object::{Object, Syntax};
use crate::generated::GeneratedText;
use crate::serialized::{self, SerializeError};

/// A Kubernetes `List`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List<'o> {
    api_version: &'static str,
    kind: &'static str,
    items: &'o [Object],
}

/// Formats all objects as one stream.
pub fn text(objects: &[Object], syntax: Syntax) -> Result<Vec<u8>, SerializeError> {
    if let [only @ (Object::PluginConfig(_) | Object::HttpFilters(..))] = objects {
        return only.content(syntax);
    }
    match syntax {
        Syntax::Json => serialized::json(&List {
            api_version: "v1",
            kind: "List",
            items: objects,
        }),
        Syntax::Yaml if objects.is_empty() => Ok(Vec::new()),
        Syntax::Yaml => {
            let mut text = GeneratedText::new(HEADER);
            for (number, object) in objects.iter().enumerate() {
                if number > 0 {
                    text.push_str("---\n");
                }
                text.push_str(&object.yaml()?);
            }
            Ok(text.finish().into_bytes())
        }
    }
}
