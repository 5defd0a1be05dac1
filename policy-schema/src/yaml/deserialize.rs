//! Reads trees into Rust types. Reports every fault instead of stopping at the first.
//!
//! Serde gives up on a struct when one of its fields fails. So a whole value is read again, without
//! the field that failed, until no new fault is found ([`attempt`]). Each attempt makes progress,
//! and a value is read again at most once per field of its own, so the time is proportional to the
//! size of the document.

mod access;
mod fields;
mod reader;

use serde::de::{self, DeserializeOwned, Visitor};

use self::access::{Elements, Fields, Variant};
use super::Fault;
use super::form::Form;
use super::guidance::Guidance;
use super::node::{Content, Entry, Node};
use super::scalar::Scalar;
use super::wording::{closest, enumerate, quoted};
use crate::code::{self, Code};

use fields::fields_help;
use reader::{Failure, Faults, Place, Reader, attempt};

/// Reads a document into `T`, and reports everything in it that `T` does not accept, in the order
/// of the text.
///
/// Faulty parts are omitted from the result: unknown fields, fields with a wrong value, and
/// elements of lists. There is no result if the document as a whole is wrong or lacks something
/// that `T` requires. Without faults there always is one.
///
/// The faults are [`code::UNKNOWN_FIELD`], [`code::MISSING_FIELD`], [`code::WRONG_TYPE`] and
/// [`code::UNKNOWN_VALUE`]. Untagged and internally tagged enums and flattened fields report at
/// most one fault at a time.
pub fn read<T: DeserializeOwned>(root: &Node) -> (Option<T>, Vec<Fault>) {
    read_guided(root, Guidance::default())
}

/// The same, with help for common mistakes.
pub fn read_guided<T: DeserializeOwned>(
    root: &Node,
    guidance: Guidance,
) -> (Option<T>, Vec<Fault>) {
    read_at(root, None, guidance)
}

/// Reads the value of the field `name` as [`read`] reads a document.
pub fn read_as<T: DeserializeOwned>(name: &str, value: &Node) -> (Option<T>, Vec<Fault>) {
    read_at(value, Some(name), Guidance::default())
}

fn read_at<'n, T: DeserializeOwned>(
    root: &'n Node,
    name: Option<&'n str>,
    guidance: Guidance,
) -> (Option<T>, Vec<Fault>) {
    root.restore();
    let faults = Faults {
        guidance,
        ..Faults::default()
    };
    let value = attempt(root, Place::Whole(name), &faults);
    let mut faults = faults.found.into_inner();
    faults.sort_by_key(|fault| fault.span);
    (value, faults)
}

impl<'de> Reader<'de, '_> {
    fn report(&self, code: Code, node: &Node, message: String, help: String) -> Failure {
        self.faults.found.borrow_mut().push(Fault {
            code,
            span: node.head(),
            message,
            help,
        });
        Failure::Reported
    }

    /// Reports a value of the wrong type.
    fn unexpected(&self, expected: &str, help: impl Into<String>) -> Failure {
        let found = match &self.node.content {
            Content::Scalar { text, form } => Scalar::resolve(text, *form).describe(text),
            Content::Sequence(_) => "a list".to_owned(),
            Content::Mapping(_) => "a mapping".to_owned(),
        };
        let message = format!("{} expects {expected}, found {found}", self.place);
        self.report(code::WRONG_TYPE, self.node, message, help.into())
    }

    /// Reports a failure that was not reported at its origin.
    fn report_failure(&self, failure: &Failure) {
        match failure {
            Failure::Reported | Failure::Again => {}
            Failure::Missing(_) | Failure::Message(_) => {
                let message = format!("{} is not accepted: {failure}", self.place);
                let help = "use a value of the kind that the message names".to_owned();
                self.report(code::WRONG_TYPE, self.node, message, help);
            }
        }
    }

    fn integer<V: Visitor<'de>>(
        self,
        range: [i128; 2],
        expected: &str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        let [least, greatest] = range;
        let field = self.place.field();
        let expected = field
            .and_then(|field| (self.faults.guidance.numbers)(field))
            .unwrap_or(expected);
        match self.node.scalar() {
            Some(Scalar::Integer(value)) if (least..=greatest).contains(&value) => {
                visit_integer(value, visitor)
            }
            Some(Scalar::Text(text))
                if matches!(Scalar::resolve(text, Form::Core), Scalar::Integer(_)) =>
            {
                Err(self.unexpected(expected, "remove the quotes"))
            }
            _ => Err(self.unexpected(expected, format!("write {expected}"))),
        }
    }

    fn float<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.node.scalar() {
            Some(Scalar::Integer(value)) => visit_integer(value, visitor),
            Some(Scalar::Float(value)) => visitor.visit_f64(value),
            _ => Err(self.unexpected("a number", "write a number, without quotes")),
        }
    }

    fn text(self) -> Result<&'de str, Failure> {
        let help = match (self.node.scalar(), self.node.raw_text()) {
            (Some(Scalar::Text(text)), _) => return Ok(text),
            (Some(_), Some(text)) if !text.is_empty() => {
                format!("put it in quotes: {}", quoted(&format!("\"{text}\"")))
            }
            _ => "write a text".to_owned(),
        };
        Err(self.unexpected("text", help))
    }

    /// The variant that an enum's value names, and the value of the variant.
    fn variant(
        &self,
        variants: &'static [&'static str],
    ) -> Result<(&'static str, Option<&'de Node>), Failure> {
        let (name, content) = match &self.node.content {
            Content::Mapping(entries) => match entries.as_slice() {
                [Entry { key, value }] => (key, Some(value)),
                _ => return Err(self.not_a_variant(variants)),
            },
            Content::Scalar { .. } if self.node.scalar() != Some(Scalar::Null) => (self.node, None),
            Content::Scalar { .. } | Content::Sequence(_) => {
                return Err(self.not_a_variant(variants));
            }
        };
        let word = name.raw_text().unwrap_or_default();
        if let Some(variant) = variants.iter().find(|variant| **variant == word) {
            return Ok((variant, content));
        }
        let message = format!("{} is not a value of {}", quoted(word), self.place);
        let accepted = match variants {
            [only] => format!("only accepted value is `{only}`"),
            _ => format!("accepted values are {}", enumerate(variants, " and ")),
        };
        let field = self.place.field().unwrap_or_default();
        let guided = (self.faults.guidance.word)(field, word);
        let help = match guided.or_else(|| closest(word, variants)) {
            Some(variant) => {
                format!("did you mean `{variant}`? The {accepted}")
            }
            None => format!("the {accepted}"),
        };
        Err(self.report(code::UNKNOWN_VALUE, name, message, help))
    }

    fn not_a_variant(&self, variants: &[&str]) -> Failure {
        let expected = format!("one of {}", enumerate(variants, " and "));
        self.unexpected(&expected, format!("write {}", enumerate(variants, " or ")))
    }
}

fn visit_integer<'de, V: Visitor<'de>>(value: i128, visitor: V) -> Result<V::Value, Failure> {
    if let Ok(value) = u64::try_from(value) {
        visitor.visit_u64(value)
    } else if let Ok(value) = i64::try_from(value) {
        visitor.visit_i64(value)
    } else {
        visitor.visit_i128(value)
    }
}

macro_rules! deserialize_integers {
    ($($method:ident($type:ty, $expected:literal);)+) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
            let range = [i128::from(<$type>::MIN), i128::from(<$type>::MAX)];
            self.integer(range, $expected, visitor)
        }
    )+ };
}

impl<'de> de::Deserializer<'de> for Reader<'de, '_> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match (&self.node.content, self.node.scalar()) {
            (Content::Sequence(elements), _) => visitor.visit_seq(Elements::new(self, elements)),
            (Content::Mapping(entries), _) => {
                visitor.visit_map(Fields::new(self, entries).with_absent())
            }
            (_, None | Some(Scalar::Null)) => visitor.visit_unit(),
            (_, Some(Scalar::Bool(value))) => visitor.visit_bool(value),
            (_, Some(Scalar::Integer(value))) => visit_integer(value, visitor),
            (_, Some(Scalar::Float(value))) => visitor.visit_f64(value),
            (_, Some(Scalar::Text(text))) => visitor.visit_str(text),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        let help = match self.node.scalar() {
            Some(Scalar::Bool(value)) => return visitor.visit_bool(value),
            Some(Scalar::Text(text)) => match text.to_lowercase().as_str() {
                "true" | "yes" | "on" => "write `true`, without quotes",
                "false" | "no" | "off" => "write `false`, without quotes",
                _ => "write `true` or `false`",
            },
            _ => "write `true` or `false`",
        };
        Err(self.unexpected("`true` or `false`", help))
    }

    deserialize_integers! {
        deserialize_i8(i8, "a whole number from -128 to 127");
        deserialize_i16(i16, "a whole number from -32768 to 32767");
        deserialize_i32(i32, "a whole number from -2147483648 to 2147483647");
        deserialize_i64(i64, "a whole number of at most 64 bits");
        deserialize_u8(u8, "a whole number from 0 to 255");
        deserialize_u16(u16, "a whole number from 0 to 65535");
        deserialize_u32(u32, "a whole number from 0 to 4294967295");
        deserialize_u64(u64, "a whole number that is not negative");
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.float(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.float(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_str(self.text()?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_str(self.text()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_str(self.text()?)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_bytes(self.text()?.as_bytes())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_bytes(self.text()?.as_bytes())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        if self.node.scalar() != Some(Scalar::Null) {
            return visitor.visit_some(self);
        }
        let state = match self.node.raw_text() {
            Some(text) if !text.is_empty() => quoted(text),
            _ => "empty".to_owned(),
        };
        let message = format!("{} is {state}", self.place);
        let what = match self.place {
            Place::Element(_) => "element",
            _ => "field",
        };
        let help = format!("remove the {what}, or give it a value");
        Err(self.report(code::WRONG_TYPE, self.node, message, help))
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.node.scalar() {
            Some(Scalar::Null) => visitor.visit_unit(),
            _ => Err(self.unexpected("`null`", "write `null`")),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        let help = match &self.node.content {
            Content::Sequence(elements) => {
                return visitor.visit_seq(Elements::new(self, elements));
            }
            Content::Scalar { text, .. } if !text.is_empty() => {
                "write it as a list of one: `- ` before the value, or `[ ]` around it"
            }
            Content::Mapping(_) => "write `- ` before each element",
            Content::Scalar { .. } => self
                .place
                .field()
                .and_then(|field| (self.faults.guidance.empty_list)(field))
                .unwrap_or("write a list, such as `[a, b]`"),
        };
        Err(self.unexpected("a list", help))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match &self.node.content {
            Content::Mapping(entries) => visitor.visit_map(Fields::new(self, entries)),
            _ => Err(self.unexpected("a mapping", "write `key: value` pairs")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        let Content::Mapping(entries) = &self.node.content else {
            return Err(self.unexpected("a mapping", fields_help(fields)));
        };
        self.drop_unknown(name, entries, fields);
        match visitor.visit_map(Fields::new(self, entries)) {
            Err(Failure::Missing(field)) => Err(self.miss(name, entries, fields, field)),
            outcome => outcome,
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        let (name, content) = self.variant(variants)?;
        visitor.visit_enum(Variant::new(self, name, content))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.node.raw_text() {
            Some(text) => visitor.visit_str(text),
            None => Err(self.unexpected("text", "write a text")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_unit()
    }
}
