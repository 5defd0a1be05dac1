//! Locates fields of objects in their texts, for findings.

use std::collections::BTreeMap;

use super::Finding;
use crate::diagnostic::SourceText;
use crate::yaml::{self, Node, Span};

/// The findings about objects of a text, by the spans of the objects' first lines.
type ByHead<'f> = BTreeMap<Span, Vec<&'f mut Finding>>;

/// Moves findings about a field from the object to the field. Each text is parsed once.
pub fn locate_fields(findings: &mut [Finding], sources: &[SourceText]) {
    let mut by_source: BTreeMap<usize, ByHead<'_>> = BTreeMap::new();
    for finding in findings {
        if let (Some(place), Some(_)) = (finding.place, &finding.field) {
            let by_head = by_source.entry(place.source).or_default();
            by_head.entry(place.span).or_default().push(finding);
        }
    }
    for (source, mut by_head) in by_source {
        let text = sources.get(source).map(|source| source.text.as_str());
        for manifest in yaml::manifests(text.unwrap_or_default()).flatten() {
            locate_in(&manifest.document, &mut by_head);
        }
    }
}

/// Moves the findings about an object, or about objects in a list.
fn locate_in(node: &Node, by_head: &mut ByHead<'_>) {
    for finding in by_head.remove(&node.head()).into_iter().flatten() {
        if let (Some(place), Some(field)) = (&mut finding.place, &finding.field) {
            place.span = node.locate(field);
        }
    }
    for item in node.field("items").map(Node::elements).unwrap_or_default() {
        locate_in(item, by_head);
    }
}
