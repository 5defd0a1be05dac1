//! Findings about a field of an object → the field's place in the text.

use std::collections::BTreeMap;

use super::Finding;
use crate::diagnostic::SourceText;
use crate::yaml::{self, Node, Span};

/// Moves findings that name a field from the object to the field. Each text is read once.
pub fn locate_fields(findings: &mut [Finding], sources: &[SourceText]) {
    let mut by_source = BTreeMap::<usize, Vec<&mut Finding>>::new();
    for finding in findings {
        if let (Some(place), Some(_)) = (finding.place, &finding.field) {
            by_source.entry(place.source).or_default().push(finding);
        }
    }
    for (source, findings) in by_source {
        let text = sources.get(source).map(|source| source.text.as_str());
        let manifests = yaml::parse_manifests(text.unwrap_or_default());
        let mut heads = BTreeMap::new();
        for node in &manifests.documents {
            add_heads(node, &mut heads);
        }
        for finding in findings {
            let (Some(place), Some(field)) = (&mut finding.place, &finding.field) else {
                continue;
            };
            if let Some(object) = heads.get(&place.span) {
                place.span = object.locate(field);
            }
        }
    }
}

/// The objects by their first lines, with those in lists.
fn add_heads<'n>(node: &'n Node, heads: &mut BTreeMap<Span, &'n Node>) {
    heads.insert(node.head(), node);
    for item in node.field("items").map(Node::elements).unwrap_or_default() {
        add_heads(item, heads);
    }
}
