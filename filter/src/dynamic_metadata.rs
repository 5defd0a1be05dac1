//! Dynamic metadata from the proxy: a serialized `envoy.config.core.v3.Metadata`.
//!
//! Reads only the path to one value, and treats malformed data as absent. The proxy can also return
//! single values, but then texts and lists are indistinguishable, and a token's subject could pass
//! for a list of groups.

use peergate_engine::engine::MetadataText;
use peergate_engine::rule::MetadataKey;

// Field numbers of the messages in their `.proto` files.
const METADATA_FILTERS: u64 = 1;
const ENTRY_KEY: u64 = 1;
const ENTRY_VALUE: u64 = 2;
const STRUCT_FIELDS: u64 = 1;
const VALUE_STRING: u64 = 3;
const VALUE_STRUCT: u64 = 5;
const VALUE_LIST: u64 = 6;
const LIST_VALUES: u64 = 1;

/// Calls `visit` with the text at `key`, or with each text of a list there.
pub fn visit(metadata: &[u8], key: &MetadataKey, visit: &mut dyn FnMut(MetadataText<'_>)) {
    let Some((last, parents)) = key.path.split_last() else {
        return;
    };
    let mut structure = entry(metadata, METADATA_FILTERS, &key.filter);
    for parent in parents {
        structure = structure
            .and_then(|fields| entry(fields, STRUCT_FIELDS, parent))
            .and_then(|value| field(value, VALUE_STRUCT));
    }
    let Some(value) = structure.and_then(|fields| entry(fields, STRUCT_FIELDS, last)) else {
        return;
    };
    if let Some(text) = field(value, VALUE_STRING) {
        visit(MetadataText::Whole(text));
    }
    if let Some(list) = field(value, VALUE_LIST) {
        for element in fields(list, LIST_VALUES) {
            if let Some(text) = field(element, VALUE_STRING) {
                visit(MetadataText::Element(text));
            }
        }
    }
}

/// The value for `key` in a map, which is a list of entries. The last one counts.
fn entry<'m>(message: &'m [u8], map: u64, key: &str) -> Option<&'m [u8]> {
    fields(message, map)
        .filter(|entry| field(entry, ENTRY_KEY).unwrap_or_default() == key.as_bytes())
        .last()
        .map(|entry| field(entry, ENTRY_VALUE).unwrap_or_default())
}

/// The last value of a field.
fn field(message: &[u8], number: u64) -> Option<&[u8]> {
    fields(message, number).last()
}

/// All values of a field that contains text or messages.
fn fields(message: &[u8], number: u64) -> impl Iterator<Item = &[u8]> {
    Fields { rest: message }.filter_map(move |(found, value)| (found == number).then_some(value))
}

/// Iterates over the length-delimited fields of a message. Ends where the message is malformed.
struct Fields<'m> {
    rest: &'m [u8],
}

impl<'m> Iterator for Fields<'m> {
    type Item = (u64, &'m [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let tag = self.varint()?;
            match tag & 7 {
                0 => {
                    self.varint()?;
                }
                1 => {
                    self.take(8)?;
                }
                2 => {
                    let length = self.varint()?;
                    return Some((tag >> 3, self.take(usize::try_from(length).ok()?)?));
                }
                5 => {
                    self.take(4)?;
                }
                _ => return None,
            }
        }
    }
}

impl<'m> Fields<'m> {
    fn take(&mut self, length: usize) -> Option<&'m [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.take(1)?.first()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn message(fields: &[(u64, Vec<u8>)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (number, value) in fields {
            push_varint(&mut bytes, number << 3 | 2);
            push_varint(&mut bytes, value.len() as u64);
            bytes.extend_from_slice(value);
        }
        bytes
    }

    fn push_varint(bytes: &mut Vec<u8>, mut number: u64) {
        let low_bits = |number: u64| u8::try_from(number & 0x7f).unwrap();
        while number > 0x7f {
            bytes.push(low_bits(number) | 0x80);
            number >>= 7;
        }
        bytes.push(low_bits(number));
    }

    fn value(json: &Value) -> Vec<u8> {
        match json {
            Value::Null => vec![1 << 3, 0],
            Value::Bool(is_true) => vec![4 << 3, u8::from(*is_true)],
            Value::Number(number) => {
                let mut bytes = vec![2 << 3 | 1];
                bytes.extend_from_slice(&number.as_f64().unwrap().to_le_bytes());
                bytes
            }
            Value::String(text) => message(&[(VALUE_STRING, text.clone().into_bytes())]),
            Value::Array(elements) => {
                let elements: Vec<_> = elements
                    .iter()
                    .map(|element| (LIST_VALUES, value(element)))
                    .collect();
                message(&[(VALUE_LIST, message(&elements))])
            }
            Value::Object(_) => message(&[(VALUE_STRUCT, map(json, STRUCT_FIELDS, value))]),
        }
    }

    fn map(json: &Value, number: u64, value: impl Fn(&Value) -> Vec<u8>) -> Vec<u8> {
        let entries: Vec<_> = json
            .as_object()
            .unwrap()
            .iter()
            .map(|(key, json)| {
                let entry = [
                    (ENTRY_KEY, key.clone().into_bytes()),
                    (ENTRY_VALUE, value(json)),
                ];
                (number, message(&entry))
            })
            .collect();
        message(&entries)
    }

    /// Serialized metadata: an object with an object per filter.
    pub(crate) fn serialized(json: &Value) -> Vec<u8> {
        map(json, METADATA_FILTERS, |fields| {
            map(fields, STRUCT_FIELDS, value)
        })
    }

    fn texts(metadata: &[u8], filter: &str, path: &[&str]) -> Vec<String> {
        let key = MetadataKey {
            filter: filter.into(),
            path: path.iter().map(|&part| part.into()).collect(),
        };
        let mut texts = Vec::new();
        visit(metadata, &key, &mut |text| {
            texts.push(match text {
                MetadataText::Whole(text) => String::from_utf8_lossy(text).into_owned(),
                MetadataText::Element(text) => format!("[{}]", String::from_utf8_lossy(text)),
            });
        });
        texts
    }

    fn example() -> Vec<u8> {
        serialized(&json!({
            "other": {"payload": {"iss": "elsewhere"}},
            "jwt": {
                "payload": {
                    "iss": "https://a.example", "sub": "", "exp": 1_700_000_000, "ok": true,
                    "none": null, "groups": ["a", 1, ["nested"], "b", ""],
                    "realm": {"roles": ["admin"], "": "empty key"},
                    "long": "x".repeat(300),
                },
            },
        }))
    }

    #[test]
    fn finds_texts_and_lists_at_any_depth() {
        let metadata = example();
        let at = |path: &[&str]| texts(&metadata, "jwt", path);
        assert_eq!(at(&["payload", "iss"]), ["https://a.example"]);
        assert_eq!(at(&["payload", "sub"]), [""]);
        assert_eq!(at(&["payload", "groups"]), ["[a]", "[b]", "[]"]);
        assert_eq!(at(&["payload", "realm", "roles"]), ["[admin]"]);
        assert_eq!(at(&["payload", "realm", ""]), ["empty key"]);
        assert_eq!(at(&["payload", "long"]), ["x".repeat(300)]);
        assert_eq!(
            texts(&metadata, "other", &["payload", "iss"]),
            ["elsewhere"]
        );
    }

    #[test]
    fn ignores_other_values() {
        let metadata = example();
        for path in [
            &["payload", "exp"][..],
            &["payload", "ok"],
            &["payload", "none"],
            &["payload", "realm"],
            &["payload", "absent"],
            &["payload", "iss", "deeper"],
            &["payload", "groups", "a"],
            &["payload"],
            &["absent", "iss"],
            &[],
        ] {
            assert_eq!(texts(&metadata, "jwt", path), [""; 0], "{path:?}");
        }
        assert_eq!(texts(&metadata, "absent", &["payload", "iss"]), [""; 0]);
    }

    #[test]
    fn survives_truncated_and_altered_metadata() {
        let metadata = example();
        for length in 0..metadata.len() {
            texts(&metadata[..length], "jwt", &["payload", "groups"]);
        }
        for position in 0..metadata.len() {
            for byte in [0x00, 0x0f, 0x7f, 0x80, 0xff] {
                let mut changed = metadata.clone();
                changed[position] = byte;
                texts(&changed, "jwt", &["payload", "realm", "roles"]);
            }
        }
        texts(&[0xff; 64], "jwt", &["payload"]);
    }
}
