//! Compares the RBAC filters of `AuthorizationPolicy` objects with Istio's own.
//!
//! The inputs are Istio's test inputs, which are not part of this repository:
//! `ISTIO_AUTHZ_EXAMPLES` is their folder.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::disallowed_methods,
    reason = "Istio's test inputs are files elsewhere"
)]

use std::path::Path;
use std::{env, fs};

use policy_schema::envoy::rbac::{RbacFilter, http_filters, network_filters};
use policy_schema::identity::TrustDomains;
use policy_schema::istio::AuthorizationPolicy;
use serde_json::{Map, Value};

type Translate = fn(&[AuthorizationPolicy], &TrustDomains) -> Vec<RbacFilter>;

/// Each input, how it is translated, and Istio's filters for it.
const EXAMPLES: [(&str, Translate, &[&str]); 3] = [
    (
        "http-deny-and-allow-in.yaml",
        http_filters,
        &[
            "http-deny-and-allow-out1.yaml",
            "http-deny-and-allow-out2.yaml",
        ],
    ),
    (
        "http-multiple-policies-in.yaml",
        http_filters,
        &["http-multiple-policies-out.yaml"],
    ),
    (
        "tcp-allow-both-http-tcp-in.yaml",
        network_filters,
        &["tcp-allow-both-http-tcp-out.yaml"],
    ),
];

#[test]
fn istios_own_examples_become_istios_own_filters() {
    let Some(folder) = env::var_os("ISTIO_AUTHZ_EXAMPLES") else {
        println!("skipped: ISTIO_AUTHZ_EXAMPLES does not say where Istio's examples are");
        return;
    };
    let folder = Path::new(&folder);
    let trust_domains = TrustDomains::new("cluster.local", &[] as &[&str]).unwrap();
    for (input, translate, outputs) in EXAMPLES {
        let policies: Vec<AuthorizationPolicy> = documents(&folder.join(input))
            .into_iter()
            .map(|document| serde_json::from_value(document).unwrap())
            .collect();
        let filters = translate(&policies, &trust_domains);
        let filters = serde_json::to_value(filters).unwrap();
        let expected: Vec<Value> = outputs
            .iter()
            .flat_map(|output| documents(&folder.join(output)))
            .map(snake_case)
            .collect();
        assert_eq!(filters, Value::from(expected), "{input}");
    }
}

fn documents(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    serde_saphyr::from_multiple(&text).unwrap()
}

/// In JSON, a protobuf field has two spellings. Ours is that of Envoy's documentation. Names of
/// policies are not fields.
fn snake_case(value: Value) -> Value {
    let spelt = |key: String| {
        if key.contains('[') {
            return key;
        }
        let letters = key.chars().flat_map(|letter| {
            let underscore = letter.is_ascii_uppercase().then_some('_');
            underscore.into_iter().chain([letter.to_ascii_lowercase()])
        });
        letters.collect()
    };
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter();
            let fields: Map<_, _> = fields
                .map(|(key, value)| (spelt(key), snake_case(value)))
                .collect();
            Value::Object(fields)
        }
        Value::Array(values) => values.into_iter().map(snake_case).collect(),
        other => other,
    }
}
