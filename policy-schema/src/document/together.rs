//! Dependencies and conflicts between the fields of a document.

use serde_json::{Value, json};

use super::istio::{RESERVED_PORTS, TARGETS};

/// The constraints of the filter: fields that its kind of image excludes.
pub(super) fn filter() -> Value {
    let image = |pattern: &str| json!({"properties": {"image": {"type": "string", "pattern": pattern}}, "required": ["image"]});
    json!([
        {
            "if": image("^(https|file)://"),
            "then": {"properties": {"imagePullSecret": false}},
        },
        {
            "if": image("^file://"),
            "then": {"properties": {"imagePullPolicy": false, "sha256": false}},
        },
        {
            "if": image("^oci://.*@sha256:"),
            "then": {"properties": {"sha256": false}},
        },
    ])
}

/// The fields of the filter that need an image.
pub(super) fn filter_dependencies() -> Value {
    json!({
        "imagePullSecret": ["image"],
        "imagePullPolicy": ["image"],
        "sha256": ["image"],
    })
}

/// The constraints of a gateway, by API.
pub(super) fn gateway() -> Value {
    let ports = json!({"items": {"properties": {
        "port": {"const": 443, "errorMessage": "Istio's `Gateway` can only redirect from port 80 to port 443"},
        "redirectPort": {"const": 80, "errorMessage": "Istio's `Gateway` can only redirect from port 80 to port 443"},
    }}});
    json!([
        {
            "if": {"properties": {"api": {"const": "Kubernetes"}}, "required": ["api"]},
            "then": {"properties": {"selector": false}},
        },
        {
            "if": {"properties": {"api": {"const": "Istio"}}},
            "then": {"required": ["selector", "serviceAccount"], "properties": {"servers": ports}},
        },
    ])
}

/// The ports that gateways cannot listen on.
pub(super) fn reserved_ports() -> Value {
    json!({"minimum": RESERVED_PORTS.start(), "maximum": RESERVED_PORTS.end()})
}

/// The constraints of a target: the kind and its API group.
pub(super) fn target() -> Value {
    let targets = TARGETS.iter().map(|(group, kind, _)| {
        let required: &[&str] = if group.is_empty() {
            &["kind"]
        } else {
            &["kind", "group"]
        };
        json!({
            "properties": {"kind": {"const": kind}, "group": {"const": group}},
            "required": required,
        })
    });
    Value::Array(targets.collect())
}

/// The constraints of a policy: its attachment, and the effects of its rules.
pub(super) fn policy() -> Value {
    let shadow = json!({"properties": {"enforcement": {"const": "Shadow"}}});
    json!([
        {
            "anyOf": [{"required": ["selector"]}, {"required": ["scope"]}, {"required": ["targetRefs"]}],
            "errorMessage": "add a workload's labels to `selector`, or use `scope: Namespace` for the whole namespace",
        },
        {
            "if": {"required": ["targetRefs"]},
            "then": {"properties": {"selector": false, "scope": false}},
        },
        {
            "if": {"properties": {"scope": {"const": "Namespace"}}, "required": ["scope"]},
            "then": {"properties": {"selector": false}},
        },
        {
            "if": {"properties": {"enforcement": {"const": "Shadow"}}, "required": ["enforcement"]},
            "then": {"properties": {"rules": {"items": shadow}}},
        },
        {
            "if": {"properties": {"otherwise": {"const": "Pass"}}, "required": ["otherwise"]},
            "then": {"properties": {"rules": {"items": {
                "if": {"properties": {"effect": {"const": "Allow"}}, "required": ["effect"]},
                "then": {"properties": {"enforcement": {"const": "Shadow"}}, "required": ["enforcement"]},
            }}}},
        },
    ])
}
