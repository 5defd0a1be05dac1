//! Regular expressions for the texts in documents, for the JSON Schema.

use std::borrow::Cow;

use peergate_engine::text_forms;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// A label of a host name, in either case.
macro_rules! host_label {
    () => {
        "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    };
}

/// A label value, or the name in a label key.
macro_rules! label_text {
    () => {
        "[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
    };
}

/// A part of an image's name.
macro_rules! image_part {
    () => {
        "[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*"
    };
}

text_forms! {
    /// A DNS name, or `*.` and a DNS name.
    HostName = concat!("^(\\*\\.)?", host_label!(), "(\\.", host_label!(), ")*$"), max 255,
    "use a DNS name, or `*.` and a DNS name",
    ["shop.example.com", "*.example.com"];

    /// A path that a gateway routes: `/a` for exactly that path, `/a/*` for every path that starts with `/a/`.
    RoutedPath = "^/[^*{}?#]*\\*?$",
    "use `/a` for an exact path, or `/a/*` for a prefix",
    ["/cart", "/cart/*"];

    /// A time span: a whole number with `ms`, `s`, `m` or `h`.
    TimeSpan = "^(?!0+[a-z])[0-9]{1,9}(ms|s|m|h)$",
    "use a whole number with `ms`, `s`, `m` or `h`, such as `30s`",
    ["30s", "500ms", "24h"];

    /// The source of the filter module: an image in a registry, a web server, or a file.
    ModuleUrl = concat!(
        "^(oci://(localhost|[^/@]*[.:][^/@]*)/", image_part!(), "(/", image_part!(), ")*",
        "(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?",
        "|(https://[^/]+|file://)/[A-Za-z0-9._~!$&'()*+,;=:@/?%-]+)$"
    ),
    "write `oci://REGISTRY/NAME@sha256:…`, `https://…` or `file:///…`",
    [
        "oci://registry.example.com/peergate/filter@sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
        "file:///peergate_filter.wasm"
    ];

    /// A SHA-256 digest: 64 hex digits in lower case.
    Sha256 = "^[0-9a-f]{64}$",
    "use 64 lower-case hex digits, as `sha256sum` prints",
    ["5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"];

    /// The key of a label.
    LabelKey = concat!(
        "^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*/)?", label_text!(), "$"
    ), max 317,
    "use letters, digits, `-`, `_` and `.`, at most 63 characters; start and end with a letter or digit",
    ["app", "app.kubernetes.io/name"];

    /// The value of a label.
    LabelValue = concat!("^(", label_text!(), ")?$"),
    "use letters, digits, `-`, `_` and `.`, at most 63 characters; start and end with a letter or digit",
    ["cart"];
}

/// Labels of pods, at least one.
pub(super) struct MatchLabels;

impl JsonSchema for MatchLabels {
    fn schema_name() -> Cow<'static, str> {
        "MatchLabels".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": "Labels of pods. A pod is selected if it has all of them.",
            "minProperties": 1,
            "propertyNames": {"pattern": LabelKey::FORM.pattern, "patternErrorMessage": LabelKey::FORM.hint},
            "additionalProperties": generator.subschema_for::<LabelValue>(),
            "examples": [{"app": "cart"}],
        })
    }
}

/// A limit in Istio: a positive 32-bit signed integer.
pub(super) struct Limit;

impl JsonSchema for Limit {
    fn schema_name() -> Cow<'static, str> {
        "Limit".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "integer",
            "description": "A limit, from 1 to 2147483647.",
            "minimum": 1,
            "maximum": i32::MAX,
        })
    }
}
