//! Tests of the whole module as its users see it: spans are compared as slices of the text.

mod kubernetes;
mod parsing;
#[cfg(not(target_arch = "wasm32"))]
mod properties;
mod reading;

use serde::de::DeserializeOwned;

use super::{Fault, Node, Span, parse, read};

fn slice(text: &str, span: Span) -> &str {
    text.get(span.start..span.end).unwrap()
}

/// The only document of `text`.
fn document(text: &str) -> Node {
    let mut documents = parse(text).unwrap_or_else(|faults| panic!("{text:?}: {faults:#?}"));
    assert_eq!(documents.len(), 1, "{text:?}");
    documents.remove(0)
}

/// Each fault as code, slice, message and help.
fn described(text: &str, faults: &[Fault]) -> Vec<[String; 4]> {
    let describe = |fault: &Fault| {
        [
            fault.code.to_string(),
            slice(text, fault.span).to_owned(),
            fault.message.clone(),
            fault.help.clone(),
        ]
    };
    faults.iter().map(describe).collect()
}

fn read_text<T: DeserializeOwned>(text: &str) -> (Option<T>, Vec<[String; 4]>) {
    let (value, faults) = read(&document(text));
    (value, described(text, &faults))
}

/// The value at `path`, given by the keys from the root.
fn at<'a>(root: &'a Node, path: &[&str]) -> &'a Node {
    path.iter().fold(root, |node, key| {
        node.field(key).unwrap_or_else(|| panic!("no {key}"))
    })
}
