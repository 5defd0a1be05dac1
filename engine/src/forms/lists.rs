//! Lists that must not be empty.

use std::borrow::Cow;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// A list of at least one value.
#[derive(Debug)]
pub struct NonEmpty<T>(PhantomData<T>);

/// A list of at least one value, without duplicates.
#[derive(Debug)]
pub struct Distinct<T>(PhantomData<T>);

impl<T: JsonSchema> JsonSchema for NonEmpty<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("NonEmpty_{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "array",
            "minItems": 1,
            "items": generator.subschema_for::<T>(),
        })
    }
}

impl<T: JsonSchema> JsonSchema for Distinct<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Distinct_{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = NonEmpty::<T>::json_schema(generator);
        schema.insert("uniqueItems".to_owned(), true.into());
        schema
    }
}
