//! Imported documents → one text of YAML, with comments.

use std::fmt::Write as _;

use policy_schema::import::{Documents, ImportedPolicy};
use policy_schema::json_schema::modeline;

use crate::place::Texts;
use crate::serialized::{SerializeError, yaml};

/// The documents as one text. Comments name the origin of each rule, what the input leaves open, and what the
/// comments of the input say.
pub fn text(
    documents: &Documents,
    open: &[String],
    texts: &Texts<'_>,
) -> Result<String, SerializeError> {
    let mut written = modeline();
    written.push_str("# From the mesh config and the PeerAuthentication objects.\n");
    for open in open {
        comment(&mut written, 0, &format!("Open: {open}."));
    }
    written.push_str(&yaml(&documents.mesh)?);
    for policy in &documents.policies {
        written.push_str("---\n");
        let origins = policy.origins.iter();
        let origins: Vec<_> = origins
            .map(|origin| {
                let place = texts.line(origin.place).unwrap_or_default();
                format!("{} ({place})", origin.object)
            })
            .collect();
        comment(&mut written, 0, &format!("From {}", origins.join(", ")));
        for said in policy.origins.iter().flat_map(|origin| &origin.comments) {
            comment(&mut written, 0, said);
        }
        written.push_str(&with_comments(&yaml(&policy.document)?, policy));
    }
    Ok(written)
}

/// How a rule begins. Texts of several lines, such as annotations, are indented deeper.
const RULE: &str = "  - id: ";
const RULE_INDENT: usize = 2;

/// Says above each rule where it is from.
fn with_comments(document: &str, policy: &ImportedPolicy) -> String {
    let mut origins = policy.rule_origins.iter();
    let mut text = String::with_capacity(document.len());
    for line in document.lines() {
        let origin = line.starts_with(RULE).then(|| origins.next()).flatten();
        if let Some(origin) = origin {
            let from = format!("{}, rule {}", origin.object, origin.number);
            for said in std::iter::once(&from).chain(&origin.comments) {
                comment(&mut text, RULE_INDENT, said);
            }
        }
        text.push_str(line);
        text.push('\n');
    }
    text
}

fn comment(text: &mut String, indent: usize, said: &str) {
    // Documents are strict about what ends a line.
    let said: String = said.chars().filter(|char| !char.is_control()).collect();
    let line = format!("{:indent$}# {said}", "");
    let _ = writeln!(text, "{}", line.trim_end());
}
