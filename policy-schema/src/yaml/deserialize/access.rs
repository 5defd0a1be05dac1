//! Gives serde access to the parts of lists, mappings and enums.
//!
//! Serde's own types and derived ones request parts by type (`next_element`, `next_value`), which
//! permits a second attempt. A seed is consumed by the first attempt, so a faulty part is omitted
//! when the whole value is read again.

use std::cell::RefCell;
use std::slice::Iter;
use std::vec;

use serde::de::{self, Deserialize, DeserializeSeed, IntoDeserializer, Visitor};

use super::super::node::{Entry, Node};
use super::super::placeholder::Placeholder;
use super::{Failure, Place, Reader, attempt};
use crate::code;

impl<'de> Reader<'de, '_> {
    /// Reads a part of this value with a seed. A faulty part is reported and dropped.
    fn plant<S: DeserializeSeed<'de>>(
        &self,
        seed: S,
        node: &'de Node,
        place: Place<'de>,
    ) -> Option<S::Value> {
        let absent = RefCell::default();
        let part = Reader {
            node,
            place,
            faults: self.faults,
            absent: &absent,
        };
        seed.deserialize(part)
            .map_err(|failure| part.report_failure(&failure))
            .ok()
    }
}

/// The elements of a list that are not faulty.
pub(super) struct Elements<'de, 'r> {
    list: Reader<'de, 'r>,
    rest: Iter<'de, Node>,
}

impl<'de, 'r> Elements<'de, 'r> {
    pub(super) fn new(list: Reader<'de, 'r>, elements: &'de [Node]) -> Self {
        Self {
            list,
            rest: elements.iter(),
        }
    }

    fn advance(&mut self) -> Option<&'de Node> {
        self.rest.find(|element| !element.dropped.get())
    }

    fn place(&self) -> Place<'de> {
        Place::Element(self.list.place.field())
    }
}

impl<'de> de::SeqAccess<'de> for Elements<'de, '_> {
    type Error = Failure;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Failure> {
        let Some(element) = self.advance() else {
            return Ok(None);
        };
        let value = self.list.plant(seed, element, self.place());
        element.dropped.set(value.is_none());
        value.map(Some).ok_or(Failure::Again)
    }

    fn next_element<T: Deserialize<'de>>(&mut self) -> Result<Option<T>, Failure> {
        while let Some(element) = self.advance() {
            let value = attempt(element, self.place(), self.list.faults);
            element.dropped.set(value.is_none());
            if value.is_some() {
                return Ok(value);
            }
        }
        Ok(None)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// The entries of a mapping that are not faulty, and placeholders for missing required fields.
pub(super) struct Fields<'de, 'r> {
    mapping: Reader<'de, 'r>,
    rest: Iter<'de, Entry>,
    absent: vec::IntoIter<&'static str>,
    /// The entry of the current key. None for a placeholder.
    current: Option<&'de Entry>,
    /// Whether absent entries are included, for a target that accepts any value.
    with_absent: bool,
}

impl<'de, 'r> Fields<'de, 'r> {
    pub(super) fn new(mapping: Reader<'de, 'r>, entries: &'de [Entry]) -> Self {
        Self {
            mapping,
            rest: entries.iter(),
            absent: mapping.absent.borrow().clone().into_iter(),
            current: None,
            with_absent: false,
        }
    }

    /// Includes absent entries.
    pub(super) fn with_absent(self) -> Self {
        Self {
            with_absent: true,
            ..self
        }
    }

    fn advance(&mut self) -> Option<&'de Entry> {
        let with_absent = self.with_absent;
        let is_given =
            |entry: &&Entry| !entry.value.dropped.get() && (with_absent || !entry.is_absent());
        self.rest.find(is_given)
    }

    fn key_place(&self) -> Place<'de> {
        Place::Key(self.mapping.place.field())
    }
}

fn value_place(entry: &Entry) -> Place<'_> {
    Place::Whole(entry.key.raw_text())
}

impl<'de> de::MapAccess<'de> for Fields<'de, '_> {
    type Error = Failure;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Failure> {
        self.current = self.advance();
        if let Some(entry) = self.current {
            let key = self.mapping.plant(seed, &entry.key, self.key_place());
            entry.value.dropped.set(key.is_none());
            return key.map(Some).ok_or(Failure::Again);
        }
        match self.absent.next() {
            Some(field) => seed.deserialize(field.into_deserializer()).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Failure> {
        let Some(entry) = self.current else {
            let value = seed.deserialize(Placeholder::default());
            return value.map_err(|_| Failure::Reported);
        };
        let value = self.mapping.plant(seed, &entry.value, value_place(entry));
        entry.value.dropped.set(value.is_none());
        value.ok_or(Failure::Again)
    }

    fn next_value<T: Deserialize<'de>>(&mut self) -> Result<T, Failure> {
        let Some(entry) = self.current else {
            let value = T::deserialize(Placeholder::default());
            return value.map_err(|_| Failure::Reported);
        };
        let value = attempt(&entry.value, value_place(entry), self.mapping.faults);
        entry.value.dropped.set(value.is_none());
        value.ok_or(Failure::Again)
    }

    fn next_entry<K: Deserialize<'de>, T: Deserialize<'de>>(
        &mut self,
    ) -> Result<Option<(K, T)>, Failure> {
        while let Some(entry) = self.advance() {
            let key = attempt(&entry.key, self.key_place(), self.mapping.faults);
            let value = attempt(&entry.value, value_place(entry), self.mapping.faults);
            let pair = key.zip(value);
            entry.value.dropped.set(pair.is_none());
            if pair.is_some() {
                return Ok(pair);
            }
        }
        Ok(None)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// A known variant, and the value after its name.
pub(super) struct Variant<'de, 'r> {
    whole: Reader<'de, 'r>,
    name: &'static str,
    content: Option<&'de Node>,
}

impl<'de, 'r> Variant<'de, 'r> {
    pub(super) fn new(
        whole: Reader<'de, 'r>,
        name: &'static str,
        content: Option<&'de Node>,
    ) -> Self {
        Self {
            whole,
            name,
            content,
        }
    }

    fn content(&self) -> Result<Reader<'de, 'r>, Failure> {
        let name = self.name;
        let Some(node) = self.content else {
            let message = format!("`{name}` needs a value");
            let help = format!("write `{name}: ` and the value");
            let node = self.whole.node;
            return Err(self.whole.report(code::WRONG_TYPE, node, message, help));
        };
        Ok(Reader {
            node,
            place: Place::Whole(Some(name)),
            ..self.whole
        })
    }
}

impl<'de> de::EnumAccess<'de> for Variant<'de, '_> {
    type Error = Failure;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Failure> {
        let variant = seed.deserialize(self.name.into_deserializer())?;
        Ok((variant, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'de, '_> {
    type Error = Failure;

    fn unit_variant(self) -> Result<(), Failure> {
        if self.content.is_none() {
            return Ok(());
        }
        let name = self.name;
        let expected = format!("only the word `{name}`");
        let help = format!("write `{name}` without a colon");
        Err(self.whole.unexpected(&expected, help))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Failure> {
        let content = self.content()?;
        let value = self.whole.plant(seed, content.node, content.place);
        value.ok_or(Failure::Reported)
    }

    fn newtype_variant<T: Deserialize<'de>>(self) -> Result<T, Failure> {
        let content = self.content()?;
        attempt(content.node, content.place, self.whole.faults).ok_or(Failure::Reported)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Failure> {
        de::Deserializer::deserialize_tuple(self.content()?, len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        de::Deserializer::deserialize_struct(self.content()?, self.name, fields, visitor)
    }
}
