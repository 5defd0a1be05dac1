//! Ports.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// A port.
#[derive(Debug)]
pub struct Port;

impl JsonSchema for Port {
    fn schema_name() -> Cow<'static, str> {
        "Port".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "integer",
            "description": "A port, from 1 to 65535.",
            "minimum": 1,
            "maximum": u16::MAX,
            "examples": [8080],
        })
    }
}
