//! Whether the schema rejects the example of each diagnostic.

use std::collections::BTreeMap;

use policy_schema::code::{self, Severity};

use crate::files::{read, root};
use crate::schema::{documents, refusals};

/// The codes whose example the schema rejects.
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

/// The codes of errors that the schema cannot detect in the example, with the reason.
pub(crate) const MISSED: &[(&str, &str)] = &[
    ("conflicting-host", "requires two documents"),
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
    ("duplicate-mesh", "requires two documents"),
    ("duplicate-policy", "requires two documents"),
    ("exposure-without-rule", "requires two documents"),
    ("foreign-trust-domain", "requires the mesh and a policy"),
    ("invalid-scope", "requires the root namespace of the mesh"),
    ("missing-filter", "requires the mesh and a policy"),
    ("missing-mesh", "requires all documents"),
    ("missing-service", "requires the mesh and a policy"),
    ("never-matches", "it compares patterns"),
    ("no-documents", "there is nothing to apply a schema to"),
    ("overlapping-targets", "requires two documents"),
    ("too-many-policies", "requires all documents"),
    (
        "unenforceable-default",
        "requires the mesh and two policies",
    ),
    (
        "unenforceable-rule",
        "requires what Istio does with the whole rule",
    ),
    ("unknown-gateway", "requires the mesh and a policy"),
    ("unsupported-by-istio", "requires the mesh and a policy"),
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
        // Without valid YAML, editors have no document.
        let text = read(&path).replace('…', "x").replace("NUMBER", "1");
        let documents = documents(&text).unwrap_or_default();
        let found: Vec<_> = documents.iter().flat_map(refusals).collect();
        if found.is_empty() == CAUGHT.contains(&code) {
            wrong.insert(code, found);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
