//! Diagnostics and findings for code scanning (SARIF 2.1.0).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use policy_schema::code::Severity;
use policy_schema::diagnostic::SourceText;
use serde_json::json;
use serde_sarif::sarif::{
    ArtifactLocation, Location, LogicalLocation, Message as SarifMessage, MultiformatMessageString,
    PhysicalLocation, Region, ReportingDescriptor, Result as SarifResult, ResultLevel, Run,
    SCHEMA_URL, Sarif, Tool, ToolComponent,
};

use crate::message::Message;
use crate::place::Texts;
use crate::serialized::{self, SerializeError};

/// Characters of a path to percent-encode in a URI: all but unreserved ones (RFC 3986, section 2.3) and the slash.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// A run with a rule for each code, given with its meaning, and a result for each message.
pub(crate) fn json<'m>(
    codes: impl Iterator<Item = (&'static str, &'static str)>,
    messages: impl Iterator<Item = Message<'m>>,
    sources: &[SourceText],
) -> Result<Vec<u8>, SerializeError> {
    let texts = Texts::new(sources);
    let rules: Vec<_> = codes.map(|(code, meaning)| rule(code, meaning)).collect();
    let results = messages.map(|message| result(&message, &texts));
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

fn rule(code: &'static str, meaning: &'static str) -> ReportingDescriptor {
    let lines: Vec<_> = meaning.lines().map(str::trim).collect();
    let text = lines.join(" ");
    let text = MultiformatMessageString::builder()
        .text(text.trim())
        .build();
    ReportingDescriptor::builder()
        .id(code)
        .short_description(text)
        .build()
}

fn result(message: &Message<'_>, texts: &Texts<'_>) -> SarifResult {
    let subject = message.subject.map(|subject| format!("{subject}: "));
    let text = format!(
        "{}{}. To fix it: {}.",
        subject.unwrap_or_default(),
        message.text,
        message.help
    );
    // A finding without a file has a name.
    let named = message.subject.map(|subject| {
        LogicalLocation::builder()
            .fully_qualified_name(subject)
            .build()
    });
    let mut location = Location::builder().build();
    location.logical_locations = named.map(|named| vec![named]);
    location.physical_location = message.place.and_then(|place| {
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
    let level = match message.severity {
        Severity::Error => ResultLevel::Error,
        Severity::Warning => ResultLevel::Warning,
    };
    SarifResult::builder()
        .rule_id(message.code)
        .level(level)
        .message(SarifMessage::builder().text(text).build())
        .locations(vec![location])
        .build()
}

/// The URI of a file: absolute if its path is, else relative to the working directory.
fn uri(path: &str) -> String {
    let scheme = if path.starts_with('/') { "file://" } else { "" };
    format!("{scheme}{}", utf8_percent_encode(path, ENCODED))
}
