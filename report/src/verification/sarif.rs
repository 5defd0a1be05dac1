//! The verification report as SARIF 2.1.0, for code scanning.

use peergate_mesh::verification::Verification;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use policy_schema::code::Severity;
use policy_schema::verify::{Finding, FindingCode};
use serde_json::json;
use serde_sarif::sarif::{
    ArtifactLocation, Location, LogicalLocation, Message, MultiformatMessageString,
    PhysicalLocation, Region, ReportingDescriptor, Result as SarifResult, ResultLevel, Run,
    SCHEMA_URL, Sarif, Tool, ToolComponent,
};

use crate::place::Texts;
use crate::serialized::{self, SerializeError};

/// Characters of a path to percent-encode: all except unreserved characters (RFC 3986, 2.3) and the slash.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// Formats a run with one rule per code and one result per finding.
pub fn json(verified: &Verification) -> Result<Vec<u8>, SerializeError> {
    let texts = Texts::new(&verified.sources);
    let rules: Vec<_> = FindingCode::ALL.iter().map(|code| rule(*code)).collect();
    let results = verified
        .findings
        .iter()
        .map(|finding| result(finding, &texts));
    let driver = ToolComponent::builder()
        .name("peergate")
        .version(env!("CARGO_PKG_VERSION"))
        .information_uri(env!("CARGO_PKG_REPOSITORY"))
        .rules(rules)
        .build();
    let run = Run::builder()
        .tool(Tool::builder().driver(driver).build())
        .column_kind(json!("unicodeCodePoints"))
        .results(results.collect::<Vec<_>>())
        .build();
    let sarif = Sarif::builder()
        .schema(SCHEMA_URL)
        .version(json!("2.1.0"))
        .runs(vec![run])
        .build();
    serialized::json(&sarif)
}

fn rule(code: FindingCode) -> ReportingDescriptor {
    let lines: Vec<_> = code.explanation().lines().map(str::trim).collect();
    let text = lines.join(" ");
    let text = MultiformatMessageString::builder()
        .text(text.trim())
        .build();
    ReportingDescriptor::builder()
        .id(code.as_str())
        .short_description(text)
        .build()
}

fn result(finding: &Finding, texts: &Texts<'_>) -> SarifResult {
    let text = format!(
        "{}: {}. To fix it: {}.",
        finding.subject, finding.message, finding.help
    );
    // A finding without a file has a named subject.
    let named = LogicalLocation::builder()
        .fully_qualified_name(finding.subject.as_str())
        .build();
    let mut location = Location::builder().logical_locations(vec![named]).build();
    location.physical_location = finding.place.and_then(|place| {
        let place = texts.in_file(place)?;
        let line = |number: usize| i64::try_from(number).ok();
        let region = Region::builder()
            .start_line(line(place.line)?)
            .start_column(line(place.column)?)
            .end_line(line(place.end_line)?)
            .end_column(line(place.end_column)?)
            .build();
        let artifact = ArtifactLocation::builder().uri(uri(place.file)).build();
        Some(
            PhysicalLocation::builder()
                .artifact_location(artifact)
                .region(region)
                .build(),
        )
    });
    let level = match finding.code.severity() {
        Severity::Error => ResultLevel::Error,
        Severity::Warning => ResultLevel::Warning,
    };
    SarifResult::builder()
        .rule_id(finding.code.as_str())
        .level(level)
        .message(Message::builder().text(text).build())
        .locations(vec![location])
        .build()
}

/// The URI of a file: absolute for an absolute path, else relative to the working directory.
fn uri(path: &str) -> String {
    let scheme = if path.starts_with('/') { "file://" } else { "" };
    format!("{scheme}{}", utf8_percent_encode(path, ENCODED))
}
