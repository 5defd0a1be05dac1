use proptest::prelude::*;
use serde::Deserialize;

use super::super::node::{Content, Node};
use super::super::{parse, read};
use super::slice;

const VALID: &str = "\
# ü
apiVersion: peergate.dev/v1
metadata: {name: web, labels: {\"é\": 'x', n: 1}}
spec:
  rules:
    - id: a  # first
      notPaths: [/a, \"/b\\n\", '/c''d', {k: v}]
      text: |
        日本
          語
    - id:
    -
  folded: >-
    a
    b
--- # second
- ? key
  : [a: b, {c, d: }]
- plain
  over lines
...
%YAML 1.2
---
\"x\": ~
";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only read")]
struct Document {
    api_version: String,
    metadata: Option<serde_json::Value>,
    spec: Spec,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "only read")]
struct Spec {
    rules: Vec<Rule>,
    folded: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only read")]
struct Rule {
    id: String,
    not_paths: Vec<String>,
    text: Option<String>,
}

fn check_node(text: &str, node: &Node) {
    let span = node.span();
    assert!(text.get(span.start..span.end).is_some(), "{span:?}");
    assert!(text.get(span.start..node.head_end).is_some(), "{span:?}");
    assert!(node.head_end <= span.end);
    match &node.content {
        Content::Scalar { .. } => {}
        Content::Sequence(elements) => elements.iter().for_each(|node| check_node(text, node)),
        Content::Mapping(entries) => entries.iter().for_each(|entry| {
            check_node(text, &entry.key);
            check_node(text, &entry.value);
        }),
    }
}

/// Parses and reads `text`, and checks properties that hold for any text.
fn check(text: &str) {
    let faults = match parse(text) {
        Ok(documents) => documents
            .iter()
            .flat_map(|document| {
                check_node(text, document);
                let (value, faults) = read::<Document>(document);
                assert!(value.is_some() || !faults.is_empty());
                faults
            })
            .collect(),
        Err(faults) => {
            assert!(!faults.is_empty());
            faults
        }
    };
    for fault in faults {
        let span = fault.span;
        assert!(text.get(span.start..span.end).is_some(), "{fault:?}");
        assert!(!fault.message.is_empty() && !fault.help.is_empty());
    }
}

#[test]
fn the_valid_text_is_valid() {
    assert_eq!(parse(VALID).unwrap().len(), 3);
    check(VALID);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_parsed_without_panic(text in any::<String>()) {
        check(&text);
    }

    #[test]
    fn any_text_of_indicators_is_parsed_without_panic(
        text in "[-?:,\\[\\]{}#&*!|>'\"%@`<~ \\t\\r\\n.\\\\0-9abéxu\u{feff}\u{0}🦀]{0,80}"
    ) {
        check(&text);
    }

    #[test]
    fn valid_text_with_changes_is_parsed_without_panic(
        changes in prop::collection::vec(
            (any::<prop::sample::Index>(), 0..4_usize, "[-?:,\\[\\]{}#&*!|>'\" \\r\\n\\ta1é\u{feff}]{0,3}"),
            1..6,
        )
    ) {
        let mut chars: Vec<char> = VALID.chars().collect();
        for (at, removed, inserted) in changes {
            let start = at.index(chars.len());
            let end = (start + removed).min(chars.len());
            chars.splice(start..end, inserted.chars());
        }
        check(&chars.into_iter().collect::<String>());
    }

    /// The spans of simple scalars equal the scalars, with any text between them.
    #[test]
    fn spans_of_plain_scalars_are_the_scalars(
        items in prop::collection::vec(("[a-zé日🦀]{1,8}", " {0,3}", "( #[ -~é🦀]{0,10})?", "\r?\n"), 1..150)
    ) {
        let lines: Vec<_> = items
            .iter()
            .map(|(value, space, comment, end)| format!("- {space}{value}{space}{comment}{end}"))
            .collect();
        let text = lines.concat();
        let documents = parse(&text).unwrap();
        let Content::Sequence(elements) = &documents[0].content else {
            panic!("no list");
        };
        prop_assert_eq!(elements.len(), items.len());
        for (element, (value, ..)) in elements.iter().zip(&items) {
            prop_assert_eq!(slice(&text, element.span()), value);
        }
    }
}
