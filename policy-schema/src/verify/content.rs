//! The content of objects, stored compactly.

use std::cell::OnceCell;

use serde_json::{Value, json};

/// The content of an object: JSON, until more than its metadata is needed. The parsed tree takes
/// ten times the memory.
#[derive(Clone, Debug)]
pub(super) struct Content {
    value: OnceCell<Value>,
    /// The metadata, under its name. `null` if the tree was never packed.
    metadata: Value,
    /// Empty if the tree was never packed.
    json: Box<str>,
}

/// The field with the metadata.
const METADATA: &str = "metadata";

impl From<Value> for Content {
    fn from(value: Value) -> Self {
        Self {
            value: OnceCell::from(value),
            metadata: Value::Null,
            json: Box::default(),
        }
    }
}

impl Content {
    /// Packs the content.
    pub(super) fn packed(value: Value) -> Self {
        match serde_json::to_string(&value) {
            Ok(json) => Self {
                value: OnceCell::new(),
                metadata: json!({ METADATA: value.get(METADATA) }),
                json: json.into(),
            },
            Err(_) => value.into(),
        }
    }

    /// The tree, which is then kept.
    pub(super) fn value(&self) -> &Value {
        self.value.get_or_init(|| parse(&self.json))
    }

    /// The value at a JSON pointer.
    pub(super) fn at(&self, pointer: &str) -> Option<&Value> {
        let path = pointer.strip_prefix('/')?;
        let is_of_metadata = path.split('/').next() == Some(METADATA);
        if is_of_metadata && self.value.get().is_none() {
            self.metadata.pointer(pointer)
        } else {
            self.value().pointer(pointer)
        }
    }

    /// The tree, consuming the content.
    pub(super) fn into_value(self) -> Value {
        self.value.into_inner().unwrap_or_else(|| parse(&self.json))
    }

    /// A temporary tree. None if the tree is kept already.
    pub(super) fn unpacked(&self) -> Option<Value> {
        self.value.get().is_none().then(|| parse(&self.json))
    }
}

/// Parses JSON that was serialized from a tree.
fn parse(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_preserves_content() {
        let value = json!({"metadata": {"name": "a"}, "spec": {"rules": [{"when": [1, -2, 0.5, "ä\n", null, true]}]}});
        let packed = Content::packed(value.clone());
        assert_eq!(packed.at("/metadata/name"), Some(&json!("a")));
        assert_eq!(packed.at("/metadata/labels"), None);
        assert_eq!(packed.unpacked(), Some(value.clone()));
        assert_eq!(packed.value(), &value);
        assert_eq!(packed.unpacked(), None);
        assert_eq!(packed.at("/spec/rules/0/when/0"), Some(&json!(1)));
        assert_eq!(Content::from(value.clone()).unpacked(), None);
        assert_eq!(Content::from(value.clone()).value(), &value);
    }
}
