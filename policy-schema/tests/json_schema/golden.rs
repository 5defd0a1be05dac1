//! For each diagnostic, whether the schema refuses its example.

use std::collections::BTreeMap;

use policy_schema::code::{self, Severity};

use crate::files::{read, root};
use crate::schema::{documents, refusals};

/// The codes of which the schema refuses the example: one document shows the mistake, and a schema can express it.
pub(crate) const CAUGHT: &[&str] = &[
    "duplicate-rule-id",
    "empty-list",
    "empty-matcher",
    "empty-value",
    "exclusive-fields",
    "invalid-image",
    "invalid-ip-block",
    "invalid-name",
    "invalid-path-template",
    "invalid-rule-id",
    "invalid-service-account",
    "invalid-spiffe-id",
    "invalid-target",
    "invalid-time",
    "invalid-trust-domain",
    "invalid-value",
    "invalid-wildcard",
    "missing-field",
    "unknown-condition",
    "unknown-field",
    "unknown-kind",
    "unknown-value",
    "unsupported-istio-version",
    "wrong-type",
];

/// The codes of errors that the schema cannot see in the example, and why.
pub(crate) const MISSED: &[(&str, &str)] = &[
    ("conflicting-host", "it takes two documents"),
    (
        "duplicate-exception",
        "two objects of a list differ, and share a namespace",
    ),
    (
        "duplicate-gateway",
        "two objects of a list differ, and share a name",
    ),
    ("duplicate-host", "it compares hosts of two gateways"),
    (
        "duplicate-key",
        "a schema sees what YAML means: the editor's YAML reader reports it",
    ),
    ("duplicate-mesh", "it takes two documents"),
    ("duplicate-policy", "it takes two documents"),
    ("exposure-without-rule", "it takes two documents"),
    ("foreign-trust-domain", "it takes the mesh and a policy"),
    ("invalid-scope", "it takes the root namespace of the mesh"),
    ("missing-filter", "it takes the mesh and a policy"),
    ("missing-mesh", "it takes all documents"),
    ("missing-service", "it takes the mesh and a policy"),
    ("never-matches", "it compares patterns"),
    ("no-documents", "there is nothing to apply a schema to"),
    ("overlapping-targets", "it takes two documents"),
    ("too-many-policies", "it takes all documents"),
    (
        "unenforceable-default",
        "it takes the mesh and two policies",
    ),
    (
        "unenforceable-rule",
        "it takes what Istio does with the whole rule",
    ),
    ("unknown-gateway", "it takes the mesh and a policy"),
    ("unsupported-by-istio", "it takes the mesh and a policy"),
    ("yaml-feature", "a schema sees what YAML means"),
    ("yaml-syntax", "the editor's YAML reader reports it"),
];

#[test]
fn every_error_is_caught_or_has_a_reason() {
    let errors = code::all().filter(|known| known.code.severity() == Severity::Error);
    let mut errors: Vec<_> = errors.map(|known| known.code.as_str()).collect();
    errors.sort_unstable();
    let missed = MISSED.iter().map(|(code, _)| *code);
    let mut known: Vec<_> = CAUGHT.iter().copied().chain(missed).collect();
    known.sort_unstable();
    assert_eq!(known, errors);
}

#[test]
fn the_examples_are_caught_as_the_tables_say() {
    let mut wrong = BTreeMap::new();
    for known in code::all() {
        let code = known.code.as_str();
        let path = root().join(format!("wasmplugin/tests/diagnostics/{code}.yaml"));
        // What is no YAML gives editors no document.
        let text = read(&path).replace('…', "x").replace("NUMBER", "1");
        let documents = documents(&text).unwrap_or_default();
        let found: Vec<_> = documents.iter().flat_map(refusals).collect();
        if found.is_empty() == CAUGHT.contains(&code) {
            wrong.insert(code, found);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
