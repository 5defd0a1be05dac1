//! The errors of `validate` for texts.

use std::collections::BTreeSet;

use policy_schema::code::Severity;
use policy_schema::diagnostic::SourceText;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, validate};

/// The fixed time of the tests.
const NOW: &str = "2026-06-01T00:00:00Z";

/// A mesh for policies without one.
pub(crate) const MESH: &str = "apiVersion: peergate.dev/v1alpha1\nkind: Mesh\nmetadata: {name: shop}\nspec:\n  \
     trustDomain: cluster.local\n  trustDomainAliases: [old.cluster.local, td1, td2]\n  istioVersion: \"1.31\"\n  \
     filter: {image: \"file:///filter.wasm\"}\n";

/// The codes of the errors in these texts together.
pub(crate) fn errors(texts: &[&str]) -> BTreeSet<&'static str> {
    let sources: Vec<_> = texts
        .iter()
        .map(|text| SourceText {
            name: "example".to_owned(),
            text: (*text).to_owned(),
        })
        .collect();
    let options = Options {
        at: Timestamp::parse(NOW).unwrap(),
        istio_version: None,
    };
    let found = validate(&sources, options).diagnostics.into_iter();
    found
        .filter(|diagnostic| diagnostic.severity() == Severity::Error)
        .map(|diagnostic| diagnostic.code.as_str())
        .collect()
}
