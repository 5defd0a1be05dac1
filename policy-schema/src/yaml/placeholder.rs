//! Values for missing required fields.
//!
//! Serde reports one missing field of a struct and gives up. With a placeholder in its place it
//! reports the next one. Values made of placeholders never leave this module's parent.

use std::slice::Iter;

use serde::de::value::Error;
use serde::de::{self, DeserializeSeed, Error as _, IntoDeserializer, Visitor};

/// The maximum depth, because an enum may contain itself.
const MAX_DEPTH: usize = 16;

/// Deserializes to the smallest value of any type: nothing, zero, or empty.
#[derive(Clone, Copy, Default)]
pub(super) struct Placeholder {
    depth: usize,
}

impl Placeholder {
    fn deeper(self) -> Result<Self, Error> {
        if self.depth == MAX_DEPTH {
            return Err(Error::custom("the type holds itself"));
        }
        Ok(Self {
            depth: self.depth + 1,
        })
    }
}

macro_rules! visit {
    ($($method:ident($visit:ident $(, $value:expr)?);)+) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.$visit($($value)?)
        }
    )+ };
}

impl<'de> de::Deserializer<'de> for Placeholder {
    type Error = Error;

    visit! {
        deserialize_any(visit_unit);
        deserialize_bool(visit_bool, false);
        deserialize_i8(visit_i8, 0);
        deserialize_i16(visit_i16, 0);
        deserialize_i32(visit_i32, 0);
        deserialize_i64(visit_i64, 0);
        deserialize_u8(visit_u8, 0);
        deserialize_u16(visit_u16, 0);
        deserialize_u32(visit_u32, 0);
        deserialize_u64(visit_u64, 0);
        deserialize_f32(visit_f32, 0.0);
        deserialize_f64(visit_f64, 0.0);
        deserialize_char(visit_char, ' ');
        deserialize_str(visit_str, "");
        deserialize_string(visit_str, "");
        deserialize_bytes(visit_bytes, &[]);
        deserialize_byte_buf(visit_bytes, &[]);
        deserialize_option(visit_none);
        deserialize_unit(visit_unit);
        deserialize_seq(visit_seq, Nothing);
        deserialize_map(visit_map, Nothing);
        deserialize_identifier(visit_str, "");
        deserialize_ignored_any(visit_unit);
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self.deeper()?)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Parts {
            count: len,
            part: self.deeper()?,
        })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_map(AllFields {
            rest: fields.iter(),
            part: self.deeper()?,
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let variant = variants
            .first()
            .ok_or_else(|| Error::custom("the type has no value"))?;
        visitor.visit_enum(FirstVariant {
            name: variant,
            part: self.deeper()?,
        })
    }
}

/// An empty list or mapping.
struct Nothing;

impl<'de> de::SeqAccess<'de> for Nothing {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        _seed: S,
    ) -> Result<Option<S::Value>, Error> {
        Ok(None)
    }
}

impl<'de> de::MapAccess<'de> for Nothing {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        _seed: S,
    ) -> Result<Option<S::Value>, Error> {
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(Placeholder::default())
    }
}

/// The elements of a tuple.
struct Parts {
    count: usize,
    part: Placeholder,
}

impl<'de> de::SeqAccess<'de> for Parts {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        if self.count == 0 {
            return Ok(None);
        }
        self.count -= 1;
        seed.deserialize(self.part).map(Some)
    }
}

/// Every field of a struct.
struct AllFields {
    rest: Iter<'static, &'static str>,
    part: Placeholder,
}

impl<'de> de::MapAccess<'de> for AllFields {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        match self.rest.next() {
            Some(field) => seed.deserialize((*field).into_deserializer()).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self.part)
    }
}

/// The first declared variant.
struct FirstVariant {
    name: &'static str,
    part: Placeholder,
}

impl<'de> de::EnumAccess<'de> for FirstVariant {
    type Error = Error;
    type Variant = Placeholder;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Placeholder), Error> {
        let variant = seed.deserialize(self.name.into_deserializer())?;
        Ok((variant, self.part))
    }
}

impl<'de> de::VariantAccess<'de> for Placeholder {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        de::Deserializer::deserialize_tuple(self, len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        de::Deserializer::deserialize_struct(self, "", fields, visitor)
    }
}
