//! RBAC with a matcher tree: a map from the URI SAN to an action.

use serde_json::{Map, Value, json};

use crate::measured_policy::MeasuredPolicy;

/// The filter.
pub(super) fn filter(policy: &MeasuredPolicy) -> Value {
    let callers = policy.callers();
    let map: Map<String, Value> = callers.map(|caller| (caller.id, action("ALLOW"))).collect();
    json!({
        "name": "envoy.filters.http.rbac",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
            "matcher": {
                "matcher_tree": {
                    "input": {
                        "name": "uri-san",
                        "typed_config": {
                            "@type": "type.googleapis.com/envoy.extensions.matching.common_inputs.ssl.v3.UriSanInput",
                        },
                    },
                    "exact_match_map": { "map": map },
                },
                "on_no_match": action("DENY"),
            },
        },
    })
}

fn action(action: &str) -> Value {
    json!({
        "action": {
            "name": "action",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.config.rbac.v3.Action",
                "name": "bench",
                "action": action,
            },
        },
    })
}
