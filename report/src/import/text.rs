//! Imported documents → YAML with comments.

use std::fmt::Write as _;

use policy_schema::import::{Documents, ImportedPolicy};

use crate::place::Texts;
use crate::serialized::{SerializeError, yaml};

/// Formats the documents as one YAML text. Comments name the origin of each rule and the open questions, and repeat the
/// comments of the input.
pub fn text(
    documents: &Documents,
    open: &[String],
    texts: &Texts<'_>,
) -> Result<String, SerializeError> {
    let mut written = String::from("# From the mesh config and the PeerAuthentication objects.\n");
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
        for text in policy.origins.iter().flat_map(|origin| &origin.comments) {
            comment(&mut written, 0, text);
        }
        written.push_str(&with_comments(&yaml(&policy.document)?, policy));
    }
    Ok(written)
}

/// The start of a rule. Multi-line texts such as annotations are indented deeper.
const RULE: &str = "  - id: ";
const RULE_INDENT: usize = 2;

/// Adds a comment with its origin above each rule.
fn with_comments(document: &str, policy: &ImportedPolicy) -> String {
    let mut origins = policy.rule_origins.iter();
    let mut text = String::with_capacity(document.len());
    for line in document.lines() {
        let origin = line.starts_with(RULE).then(|| origins.next()).flatten();
        if let Some(origin) = origin {
            let from = format!("{}, rule {}", origin.object, origin.number);
            for remark in std::iter::once(&from).chain(&origin.comments) {
                comment(&mut text, RULE_INDENT, remark);
            }
        }
        text.push_str(line);
        text.push('\n');
    }
    text
}

fn comment(text: &mut String, indent: usize, remark: &str) {
    // Control characters could end the comment.
    let remark: String = remark.chars().filter(|char| !char.is_control()).collect();
    let line = format!("{:indent$}# {remark}", "");
    let _ = writeln!(text, "{}", line.trim_end());
}
