//! Validates texts.

use policy_schema::diagnostic::SourceText;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, Validated, validate};

/// Validates these texts together.
pub(crate) fn check(texts: &[&str]) -> Validated {
    let sources: Vec<_> = texts
        .iter()
        .map(|text| SourceText {
            name: "policy.yaml".to_owned(),
            text: (*text).to_owned(),
        })
        .collect();
    let options = Options {
        at: Timestamp::from_unix_nanoseconds(1_780_000_000_000_000_000),
        istio_version: None,
    };
    validate(&sources, options)
}

/// The codes of all diagnostics, in the order of the texts.
pub(crate) fn codes(texts: &[&str]) -> Vec<&'static str> {
    let found = check(texts).diagnostics;
    found.iter().map(|found| found.code.as_str()).collect()
}
