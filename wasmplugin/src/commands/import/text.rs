//! Imported documents → one text of YAML, with comments.

use std::fmt::Write as _;

use peergate_fault::Failure;
use policy_schema::diagnostic::{Place, SourceText};
use policy_schema::import::{Documents, ImportedPolicy};
use policy_schema::yaml::Lines;

use crate::output;

/// Places in the texts of an import, as people find them.
pub(super) struct Places<'t> {
    texts: Vec<(&'t str, Lines<'t>)>,
}

impl<'t> Places<'t> {
    pub(super) fn new(sources: &'t [SourceText]) -> Self {
        let texts = sources
            .iter()
            .map(|source| (source.name.as_str(), Lines::new(&source.text)));
        Self {
            texts: texts.collect(),
        }
    }

    /// `FILE:LINE`.
    pub(super) fn shown(&self, place: Place) -> String {
        self.texts
            .get(place.source)
            .map_or_else(String::new, |(name, lines)| {
                format!("{name}:{}", lines.position(place.span.start).line)
            })
    }
}

/// The documents as one text. Comments name the origin of each rule, what the input leaves open, and what the
/// comments of the input say.
pub(super) fn written(
    documents: &Documents,
    open: &[String],
    places: &Places<'_>,
) -> Result<String, Failure> {
    let mut text = String::from("# From the mesh config and the PeerAuthentication objects.\n");
    for open in open {
        comment(&mut text, 0, &format!("Open: {open}."));
    }
    text.push_str(&output::yaml(&documents.mesh)?);
    for policy in &documents.policies {
        text.push_str("---\n");
        let origins = policy.origins.iter();
        let origins: Vec<_> = origins
            .map(|origin| format!("{} ({})", origin.object, places.shown(origin.place)))
            .collect();
        comment(&mut text, 0, &format!("From {}", origins.join(", ")));
        for said in policy.origins.iter().flat_map(|origin| &origin.comments) {
            comment(&mut text, 0, said);
        }
        text.push_str(&with_comments(&output::yaml(&policy.document)?, policy));
    }
    Ok(text)
}

/// How a rule begins. Texts of several lines, such as annotations, are indented deeper.
const RULE: &str = "  - id: ";
const RULE_INDENT: usize = 2;

/// Says above each rule where it is from.
fn with_comments(yaml: &str, policy: &ImportedPolicy) -> String {
    let mut origins = policy.rule_origins.iter();
    let mut text = String::with_capacity(yaml.len());
    for line in yaml.lines() {
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
