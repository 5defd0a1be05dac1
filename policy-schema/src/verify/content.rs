//! What objects say, in little room.

use std::cell::OnceCell;

use serde_json::Value;

/// What an object says: a tree, or its JSON until somebody looks at it. A tree takes ten times the room.
#[derive(Clone, Debug)]
pub(super) struct Content {
    value: OnceCell<Value>,
    /// Empty if the tree has been there from the beginning.
    json: Box<str>,
}

impl From<Value> for Content {
    fn from(value: Value) -> Self {
        Self {
            value: OnceCell::from(value),
            json: Box::default(),
        }
    }
}

impl Content {
    /// The content without its tree.
    pub(super) fn packed(value: Value) -> Self {
        match serde_json::to_string(&value) {
            Ok(json) => Self {
                value: OnceCell::new(),
                json: json.into(),
            },
            Err(_) => value.into(),
        }
    }

    /// The tree, which stays.
    pub(super) fn value(&self) -> &Value {
        self.value.get_or_init(|| parse(&self.json))
    }

    /// The tree, made for whoever asks; none if it is there already.
    pub(super) fn unpacked(&self) -> Option<Value> {
        self.value.get().is_none().then(|| parse(&self.json))
    }
}

/// The tree that was written as this JSON.
fn parse(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn content_is_the_same_packed_and_not() {
        let value = json!({"spec": {"rules": [{"when": [1, -2, 0.5, "ä\n", null, true]}]}});
        let packed = Content::packed(value.clone());
        assert_eq!(packed.unpacked(), Some(value.clone()));
        assert_eq!(packed.value(), &value);
        assert_eq!(packed.unpacked(), None);
        assert_eq!(Content::from(value.clone()).unpacked(), None);
        assert_eq!(Content::from(value.clone()).value(), &value);
    }
}
