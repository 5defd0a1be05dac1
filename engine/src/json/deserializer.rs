//! Values for serde's generated code. What does not depend on their type is in [`Reader`].

use std::borrow::Cow;
use std::fmt;

use serde::de::{
    self, DeserializeSeed, Deserializer, Expected, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use super::error::JsonError;
use super::text::{Start, Text};
use crate::problem::Step;

/// Why reading ended. The reader knows where.
#[derive(Debug)]
pub(super) struct Failure(Box<str>);

/// A text that is being read.
pub(super) struct Reader<'de> {
    text: Text<'de>,
    /// The location of the current value: one step for each object and array around it.
    path: Vec<Step>,
}

/// The fields of a struct.
struct Fields<'r, 'de> {
    reader: &'r mut Reader<'de>,
    names: &'static [&'static str],
}

/// The entries of a map.
struct Entries<'r, 'de>(&'r mut Reader<'de>);

/// The elements of an array.
struct Elements<'r, 'de>(&'r mut Reader<'de>);

impl de::Error for Failure {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string().into())
    }

    // The defaults of these two print what was found, which links the printing of floating-point
    // numbers. The reader itself finds values of the wrong type, so nothing calls them.

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("expected {expected}"))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("expected {expected}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

/// The step into an object or array before its first entry or element.
const BEFORE_FIRST: Step = Step::Index(usize::MAX);

impl<'de> Reader<'de> {
    pub(super) fn new(json: &'de [u8]) -> Self {
        Self {
            text: Text::new(json),
            path: Vec::new(),
        }
    }

    /// Fails if anything follows the value.
    pub(super) fn finish(&mut self) -> Result<(), Failure> {
        match self.text.start() {
            Start::End => Ok(()),
            _ => Err(self.expected("the end of the text")),
        }
    }

    pub(super) fn locate(self, Failure(message): Failure) -> JsonError {
        let (line, column) = self.text.position();
        let steps = self.path.into_iter();
        JsonError {
            location: steps.filter(|step| *step != BEFORE_FIRST).collect(),
            message,
            line,
            column,
        }
    }

    fn expected(&mut self, expected: &str) -> Failure {
        let found = match self.text.start() {
            Start::Null => "`null`",
            Start::Bool => "a boolean",
            Start::Number => "a number",
            Start::String => "a string",
            Start::Array => "an array",
            Start::Object => "an object",
            Start::Invalid => "an unexpected character",
            Start::End => "the end of the text",
        };
        de::Error::custom(format_args!("expected {expected}, found {found}"))
    }

    fn take(&mut self, byte: u8, expected: &str) -> Result<(), Failure> {
        if self.text.take(byte) {
            Ok(())
        } else {
            Err(self.expected(expected))
        }
    }

    fn bool(&mut self) -> Result<bool, Failure> {
        if self.text.take_word("true") {
            Ok(true)
        } else if self.text.take_word("false") {
            Ok(false)
        } else {
            Err(self.expected("a boolean"))
        }
    }

    fn integer(&mut self) -> Result<u16, Failure> {
        match self.text.start() {
            Start::Number => {
                let number = self.text.integer();
                number.ok_or_else(|| de::Error::custom("expected an integer from 0 to 65535"))
            }
            _ => Err(self.expected("an integer")),
        }
    }

    /// A string; `expected` is what it stands for.
    fn string(&mut self, expected: &str) -> Result<Cow<'de, str>, Failure> {
        self.take(b'"', expected)?;
        let string = self.text.string();
        string.ok_or_else(|| de::Error::custom("invalid string"))
    }

    /// The variant's position in `names`.
    fn variant(&mut self, names: &'static [&'static str]) -> Result<u32, Failure> {
        let name = self.string("a string")?;
        index_of(&name, names).ok_or_else(|| de::Error::unknown_variant(&name, names))
    }

    /// Enters an object or array.
    fn begin(&mut self, byte: u8, expected: &str) -> Result<(), Failure> {
        self.take(byte, expected)?;
        self.path.push(BEFORE_FIRST);
        Ok(())
    }

    /// Whether there is another element or entry. At the end of the object or array, leaves it.
    fn has_next(&mut self, end: u8, or_end: &str) -> Result<bool, Failure> {
        let is_first = self.path.last() == Some(&BEFORE_FIRST);
        if self.text.take(end) {
            self.path.pop();
            return Ok(false);
        }
        if !is_first {
            self.take(b',', or_end)?;
        }
        Ok(true)
    }

    fn has_next_element(&mut self) -> Result<bool, Failure> {
        let has_next = self.has_next(b']', "`,` or `]`")?;
        if let (true, Some(Step::Index(index))) = (has_next, self.path.last_mut()) {
            *index = index.wrapping_add(1);
        }
        Ok(has_next)
    }

    fn next_key(&mut self) -> Result<Option<Cow<'de, str>>, Failure> {
        if !self.has_next(b'}', "`,` or `}`")? {
            return Ok(None);
        }
        let key = self.string("a field name")?;
        self.take(b':', "`:`")?;
        Ok(Some(key))
    }

    /// The next field's position in `names`.
    fn next_field(&mut self, names: &'static [&'static str]) -> Result<Option<u32>, Failure> {
        let Some(key) = self.next_key()? else {
            return Ok(None);
        };
        self.path.pop();
        let Some(field) = index_of(&key, names) else {
            return Err(de::Error::unknown_field(&key, names));
        };
        let name = names.get(field as usize).copied().unwrap_or_default();
        self.path.push(Step::Key(Cow::Borrowed(name)));
        Ok(Some(field))
    }

    fn next_entry(&mut self) -> Result<Option<Cow<'de, str>>, Failure> {
        let key = self.next_key()?;
        if let (Some(key), Some(step)) = (&key, self.path.last_mut()) {
            *step = Step::Key(Cow::Owned(key.clone().into_owned()));
        }
        Ok(key)
    }
}

fn index_of(name: &str, names: &[&str]) -> Option<u32> {
    let index = names.iter().position(|known| *known == name)?;
    index.try_into().ok()
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Failure> {
        Err(de::Error::custom("a type that plugin configs do not have"))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_bool(self.bool()?)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_u16(self.integer()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_string(self.string("a string")?.into_owned())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        if self.text.take_word("null") {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.begin(b'[', "an array")?;
        visitor.visit_seq(Elements(self))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.begin(b'{', "an object")?;
        visitor.visit_map(Entries(self))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.begin(b'{', "an object")?;
        let reader = self;
        visitor.visit_map(Fields { reader, names })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_enum(self.variant(names)?.into_deserializer())
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u32 u64 u128 f32 f64 char str bytes byte_buf unit unit_struct
        newtype_struct tuple tuple_struct identifier ignored_any
    }
}

impl<'de> SeqAccess<'de> for Elements<'_, 'de> {
    type Error = Failure;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Failure> {
        if self.0.has_next_element()? {
            seed.deserialize(&mut *self.0).map(Some)
        } else {
            Ok(None)
        }
    }
}

impl<'de> MapAccess<'de> for Fields<'_, 'de> {
    type Error = Failure;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Failure> {
        match self.reader.next_field(self.names)? {
            Some(field) => seed.deserialize(field.into_deserializer()).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Failure> {
        seed.deserialize(&mut *self.reader)
    }
}

impl<'de> MapAccess<'de> for Entries<'_, 'de> {
    type Error = Failure;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Failure> {
        match self.0.next_entry()? {
            Some(key) => seed.deserialize(key.into_deserializer()).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Failure> {
        seed.deserialize(&mut *self.0)
    }
}
