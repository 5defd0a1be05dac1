//! Diagnostics and findings as JSON.

use policy_schema::code::Severity;
use policy_schema::diagnostic::SourceText;
use serde::Serialize;

use crate::message::Message;
use crate::place::{FilePlace, Texts};

/// A message in JSON output.
#[derive(Debug, Serialize)]
pub(crate) struct Entry<'m> {
    code: &'static str,
    severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'m str>,
    #[serde(flatten)]
    place: Option<FilePlace<'m>>,
    message: &'m str,
    help: &'m str,
    #[serde(skip_serializing_if = "Option::is_none")]
    related: Option<FilePlace<'m>>,
}

/// Converts messages to JSON entries, in the order given.
pub(crate) fn entries<'m>(
    messages: impl Iterator<Item = Message<'m>>,
    sources: &'m [SourceText],
) -> Vec<Entry<'m>> {
    let texts = Texts::new(sources);
    messages
        .map(|message| Entry {
            code: message.code,
            severity: severity(message.severity),
            subject: message.subject,
            place: message.place.and_then(|place| texts.in_file(place)),
            message: message.text,
            help: message.help,
            related: message.related.and_then(|place| texts.in_file(place)),
        })
        .collect()
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}
