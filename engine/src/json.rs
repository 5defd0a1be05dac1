//! Reads JSON into the types of the plugin config.
//!
//! `serde_json` compiles its parser anew for every type, and supports numbers and nesting that a
//! plugin config cannot have. Every sidecar downloads and compiles the result, so this reader
//! leaves to generic code only what depends on the type. It accepts what `serde_json` accepts,
//! except that a struct must be an object and the variant of an enum a string.

mod deserializer;
mod error;
mod text;

use serde::Deserialize;

use deserializer::Reader;

pub use error::JsonError;

/// Reads the whole text as a value of type `T`. Fields are matched by position in serde's list of
/// their names, so `T` must not have aliases.
pub(crate) fn from_slice<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T, JsonError> {
    let mut reader = Reader::new(json);
    let value = T::deserialize(&mut reader);
    let value = value.and_then(|value| reader.finish().map(|()| value));
    value.map_err(|failure| reader.locate(failure))
}

#[cfg(test)]
mod tests;
