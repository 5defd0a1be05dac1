//! Protobuf messages in JSON (golang/protobuf, `jsonpb`).

use serde_json::Value;

use super::fields::ONE_SPELLING;
use super::types::Type;
use crate::code::{self, Code};
use crate::problem::{Location, Problem, Step};
use crate::protobuf::{entry, json_name};

/// A value that could not be read, which was reported.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unreadable;

/// The value of a field. None if it is not set.
pub(super) type Read<T> = Result<Option<T>, Unreadable>;

/// A message, with its place in the mesh config.
pub(super) struct Message<'v> {
    value: &'v Value,
    location: Vec<Step>,
}

impl<'v> Message<'v> {
    /// The whole mesh config. None if it is not a mapping, which is reported.
    pub(super) fn root(
        value: &'v Value,
        known: &[&str],
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        Self::new(value, Vec::new(), known, problems).ok()
    }

    fn new(
        value: &'v Value,
        location: Vec<Step>,
        known: &[&str],
        problems: &mut Vec<Problem>,
    ) -> Result<Self, Unreadable> {
        let message = Self { value, location };
        if !value.is_object() {
            message.report(code::WRONG_TYPE, None, "is not a mapping", problems);
            return Err(Unreadable);
        }
        message.report_ignored(known, problems);
        Ok(message)
    }

    /// Reports fields that Istio ignores: unknown ones, and those that are also present in the
    /// other spelling.
    fn report_ignored(&self, known: &[&str], problems: &mut Vec<Problem>) {
        let keys = self
            .value
            .as_object()
            .into_iter()
            .flat_map(|fields| fields.keys());
        for key in keys {
            let of_json = known.iter().any(|name| json_name(name) == *key);
            if of_json {
                continue;
            }
            let spelling = json_name(key);
            let is_known = known.contains(&&**key);
            let message = if is_known && self.value.get(&spelling).is_some() {
                format!("is ignored, because `{spelling}` is also set")
            } else if is_known && ONE_SPELLING.contains(&&**key) {
                format!("is ignored, because Istio only reads `{spelling}`")
            } else if is_known {
                continue;
            } else {
                "is unknown to Istio, which ignores it".to_owned()
            };
            let location = self.location(Some(key));
            problems.push(Problem {
                code: code::UNKNOWN_FIELD,
                message: format!("`{location}` {message}"),
                location,
                help: "correct its name, or remove it".to_owned(),
            });
        }
    }

    fn location(&self, key: Option<&str>) -> Location {
        let key = key.map(|key| Step::Key(key.to_owned().into()));
        self.location.iter().cloned().chain(key).collect()
    }

    fn report(&self, code: Code, key: Option<&str>, message: &str, problems: &mut Vec<Problem>) {
        let location = self.location(key);
        let subject = if location.steps().is_empty() {
            "the mesh config".to_owned()
        } else {
            format!("`{location}`")
        };
        problems.push(Problem {
            code,
            location,
            message: format!("{subject} {message}"),
            help: "correct it: istiod rejects a mesh config that it cannot read, and keeps the previous one".to_owned(),
        });
    }

    /// Reports that a field is refused.
    pub(super) fn refuse(&self, name: &str, message: &str, problems: &mut Vec<Problem>) {
        let spelling = json_name(name);
        let key = entry(self.value, name).map_or(&*spelling, |(key, _)| key);
        self.report(code::UNKNOWN_VALUE, Some(key), message, problems);
    }

    /// The value of a field, of any type.
    pub(super) fn value(&self, name: &str) -> Option<&'v Value> {
        let (key, value) = entry(self.value, name)?;
        let is_read = key != name || !ONE_SPELLING.contains(&name);
        is_read.then_some(value)
    }

    /// Whether a field is set, and not to an empty list.
    pub(super) fn has_elements(&self, name: &str) -> bool {
        let value = self.value(name);
        value.is_some_and(|value| value.as_array().is_none_or(|list| !list.is_empty()))
    }

    /// Reads a field with `read`, which returns none for a value of the wrong type.
    fn scalar<T>(
        &self,
        name: &str,
        expected: &str,
        problems: &mut Vec<Problem>,
        read: impl FnOnce(&'v Value) -> Option<T>,
    ) -> Read<T> {
        let Some((key, value)) = entry(self.value, name) else {
            return Ok(None);
        };
        read(value).map(Some).ok_or_else(|| {
            let message = format!("is `{value}`, not {expected}");
            self.report(code::WRONG_TYPE, Some(key), &message, problems);
            Unreadable
        })
    }

    /// Reports fields with values of the wrong types.
    pub(super) fn check_types(&self, types: &[(&str, Type)], problems: &mut Vec<Problem>) {
        for (name, of) in types {
            if self.value(name).is_some() {
                // Reported. The value is not needed.
                let _ = self.scalar(name, &of.expected(), problems, |value| {
                    of.takes(value).then_some(())
                });
            }
        }
    }

    /// The same for the message in a field. Its own type is checked elsewhere.
    pub(super) fn check_types_in(
        &self,
        name: &str,
        types: &[(&str, Type)],
        problems: &mut Vec<Problem>,
    ) {
        if let Some((key, value)) = entry(self.value, name).filter(|(_, value)| value.is_object())
            && self.value(name).is_some()
        {
            let location = self.location(Some(key)).steps().to_vec();
            Self { value, location }.check_types(types, problems);
        }
    }

    pub(super) fn text(&self, name: &str, problems: &mut Vec<Problem>) -> Read<&'v str> {
        self.scalar(name, "text", problems, Value::as_str)
    }

    pub(super) fn boolean(&self, name: &str, problems: &mut Vec<Problem>) -> Read<bool> {
        self.scalar(name, "`true` or `false`", problems, Value::as_bool)
    }

    /// The strings of a list. Empty if it is not set.
    pub(super) fn texts(
        &self,
        name: &str,
        problems: &mut Vec<Problem>,
    ) -> Result<Vec<&'v str>, Unreadable> {
        let texts = self.scalar(name, "a list of texts", problems, |value| {
            let elements = value.as_array()?.iter();
            elements
                .map(|element| element.as_str().filter(|text| !text.is_empty()))
                .collect()
        })?;
        Ok(texts.unwrap_or_default())
    }

    /// The value of an enum, by name or number.
    pub(super) fn choice<T: Copy>(
        &self,
        name: &str,
        values: &[(&str, i64, T)],
        problems: &mut Vec<Problem>,
    ) -> Read<T> {
        let names: Vec<_> = values
            .iter()
            .map(|(name, ..)| format!("`{name}`"))
            .collect();
        let expected = format!("one of {}", names.join(", "));
        self.scalar(name, &expected, problems, |value| {
            let mut values = values.iter();
            let is_it = |name: &str, number: i64| match value {
                Value::String(text) => text == name,
                Value::Number(found) => is_number(found, number),
                _ => false,
            };
            values.find_map(|(name, number, value)| is_it(name, *number).then_some(*value))
        })
    }

    /// The message in a field.
    pub(super) fn message(
        &self,
        name: &str,
        known: &[&str],
        problems: &mut Vec<Problem>,
    ) -> Read<Message<'v>> {
        let Some((key, value)) = entry(self.value, name) else {
            return Ok(None);
        };
        let mut location = self.location.clone();
        location.push(Step::Key(key.to_owned().into()));
        Self::new(value, location, known, problems).map(Some)
    }

    /// The value of an enum in the message in a field. Both are optional.
    pub(super) fn choice_in<T: Copy>(
        &self,
        name: &str,
        inner: &str,
        known: &[&str],
        values: &[(&str, i64, T)],
        problems: &mut Vec<Problem>,
    ) -> Read<Option<T>> {
        let message = self.message(name, known, problems)?;
        message
            .map(|message| message.choice(inner, values, problems))
            .transpose()
    }

    /// The messages of a list. Empty if it is not set.
    pub(super) fn messages(
        &self,
        name: &str,
        known: &[&str],
        problems: &mut Vec<Problem>,
    ) -> Result<Vec<Message<'v>>, Unreadable> {
        let elements = self.scalar(name, "a list", problems, Value::as_array)?;
        let key = entry(self.value, name).map_or(name, |(key, _)| key);
        let mut messages = Vec::new();
        for (index, element) in elements.into_iter().flatten().enumerate() {
            let mut location = self.location.clone();
            location.push(Step::Key(key.to_owned().into()));
            location.push(Step::Index(index));
            messages.push(Self::new(element, location, known, problems));
        }
        messages.into_iter().collect()
    }
}

/// Whether a number has this value. YAML may represent it as a float.
#[expect(clippy::cast_precision_loss, reason = "the numbers of enums are small")]
fn is_number(found: &serde_json::Number, number: i64) -> bool {
    found.as_i64() == Some(number)
        || found.as_i64().is_none() && found.as_f64() == Some(number as f64)
}
