//! Manifests of other tools, read like `kubectl`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::super::{Manifest, manifests};
use super::{Fault, described, read, slice};

/// The readable documents of a text, and the faults of the others.
fn parsed(text: &str) -> (Vec<Manifest>, Vec<Fault>) {
    let (mut read, mut faults) = (Vec::new(), Vec::new());
    for manifest in manifests(text) {
        match manifest {
            Ok(manifest) => read.push(manifest),
            Err(unreadable) => faults.push(unreadable.fault),
        }
    }
    (read, faults)
}

/// The documents as JSON, and the faults of unreadable ones as slice and message.
fn json_of(text: &str) -> (Vec<Value>, Vec<(String, String)>) {
    let (documents, unreadable) = parsed(text);
    let values = documents.iter().map(|manifest| {
        let (value, faults) = read::<Value>(&manifest.document);
        assert_eq!(faults, [], "{text:?}");
        value.unwrap()
    });
    let faults = described(text, &unreadable).into_iter();
    let faults = faults.map(|[_, slice, message, _]| (slice, message));
    (values.collect(), faults.collect())
}

fn value_of(text: &str) -> Value {
    let (mut values, faults) = json_of(text);
    assert_eq!(faults, [], "{text:?}");
    assert_eq!(values.len(), 1, "{text:?}");
    values.remove(0)
}

fn fault_of(text: &str) -> (String, String) {
    let (values, mut faults) = json_of(text);
    assert_eq!((values.len(), faults.len()), (0, 1), "{text:?}: {faults:?}");
    faults.remove(0)
}

#[test]
fn reads_scalars_like_kubectl() {
    for (text, expected) in [
        ("yes", json!(true)),
        ("Off", json!(false)),
        ("y", json!(true)),
        ("N", json!(false)),
        ("'yes'", json!("yes")),
        ("yES", json!("yES")),
        ("tRue", json!("tRue")),
        ("8080", json!(8080)),
        ("8_080", json!(8080)),
        ("0o17", json!(15)),
        ("017", json!(15)),
        ("-017", json!(-15)),
        ("0x1F", json!(31)),
        ("0b101", json!(5)),
        ("09", json!(9.0)),
        ("0", json!(0)),
        ("+1", json!(1)),
        ("1.5", json!(1.5)),
        ("1e3", json!(1000.0)),
        // Out of range, so not a number.
        ("483478e42890", json!("483478e42890")),
        (".", json!(".")),
        ("1.31.0", json!("1.31.0")),
        ("10.0.0.0/8", json!("10.0.0.0/8")),
        ("2026-01-31", json!("2026-01-31")),
        ("12:30", json!("12:30")),
        ("18446744073709551616", json!("18446744073709551616")),
        ("!!str 8080", json!("8080")),
        ("!!str", json!("")),
        ("!!int 8080", json!(8080)),
        ("!!bool yes", json!(true)),
        ("!!map {a: b}", json!({"a": "b"})),
        ("!!seq [a]", json!(["a"])),
    ] {
        assert_eq!(
            value_of(&format!("k: {text}\n")),
            json!({"k": expected}),
            "{text}"
        );
    }
}

#[test]
fn keys_of_any_scalar_type_are_text() {
    for (text, expected) in [
        ("{8080: a}", json!({"8080": "a"})),
        ("{0x10: a}", json!({"16": "a"})),
        ("{on: a, n: b}", json!({"true": "a", "false": "b"})),
        ("{'on': a}", json!({"on": "a"})),
        ("{1.5: a}", json!({"1.5": "a"})),
    ] {
        assert_eq!(value_of(text), expected, "{text}");
    }
    assert_eq!(
        fault_of("{8080: a, '8080': b}").1,
        "`8080` is already set on line 1"
    );
}

#[test]
fn null_fields_count_as_absent() {
    let (read_ones, _) = parsed("spec:\nname: ~\nlist: [null]\nother: b\n");
    let document = &read_ones[0].document;
    assert!(document.field("spec").is_none());
    assert!(document.keys().any(|(key, _)| key == "spec"));
    let (fields, faults) = read::<BTreeMap<String, Value>>(document);
    assert_eq!(faults, []);
    assert_eq!(
        fields.unwrap(),
        [("list", json!([null])), ("other", json!("b"))]
            .map(|(key, value)| (key.to_owned(), value))
            .into()
    );
    // A target that accepts any value sees the `null`.
    assert_eq!(value_of("a:\nb: 'null'\n"), json!({"a": null, "b": "null"}));
}

#[test]
fn brackets_and_quotes_may_end_at_any_column() {
    for (text, expected) in [
        (
            "a:\n  hosts: [\n    b\n  ]\n  c: d\n",
            json!({"a": {"hosts": ["b"], "c": "d"}}),
        ),
        ("a:\n  b: {\n  c: d\n  }\n", json!({"a": {"b": {"c": "d"}}})),
        ("a:\n  b: [\nc\n]\n", json!({"a": {"b": ["c"]}})),
        ("a:\n  b: \"c\n d\"\n", json!({"a": {"b": "c d"}})),
    ] {
        assert_eq!(value_of(text), expected, "{text}");
    }
}

#[test]
fn aliases_resolve_to_their_anchors() {
    for (text, expected) in [
        ("a: &x b\nc: *x\n", json!({"a": "b", "c": "b"})),
        (
            "a: &x [b, {c: d}]\ne: *x\n",
            json!({"a": ["b", {"c": "d"}], "e": ["b", {"c": "d"}]}),
        ),
        (
            "a: &x b\nc: &x d\ne: *x\n",
            json!({"a": "b", "c": "d", "e": "d"}),
        ),
        ("a: &x b\n*x : c\n", json!({"a": "b", "b": "c"})),
        ("a: &x yes\nb: *x\n", json!({"a": true, "b": true})),
        ("a: &x !!str yes\nb: *x\n", json!({"a": "yes", "b": "yes"})),
        (
            "a: &x {b: c}\nd: {<<: *x}\n",
            json!({"a": {"b": "c"}, "d": {"b": "c"}}),
        ),
        (
            "a: &x {b: c, d: e}\nf: {<<: *x, b: own}\n",
            json!({"a": {"b": "c", "d": "e"}, "f": {"d": "e", "b": "own"}}),
        ),
        (
            "a: [&x {b: 1}, &y {b: 2, c: 3}]\nd: {<<: [*x, *y]}\n",
            json!({"a": [{"b": 1}, {"b": 2, "c": 3}], "d": {"b": 1, "c": 3}}),
        ),
        ("'<<': b\n", json!({"<<": "b"})),
    ] {
        assert_eq!(value_of(text), expected, "{text}");
    }
}

#[test]
fn refuses_syntax_that_tools_read_differently() {
    for (text, slice, message) in [
        ("a: *x\n", "*x", "the alias `*x` has no anchor before it"),
        (
            "a: &x\n  b: *x\n",
            "*x",
            "the alias `*x` has no anchor before it",
        ),
        (
            "a: &x b\n---\nc: *x\n",
            "*x",
            "the alias `*x` has no anchor before it",
        ),
        (
            "a: &x b\nd: {<<: *x}\n",
            "<<",
            "a merge key requires a mapping, or a list of mappings",
        ),
        (
            "a: &x {b: c}\nd: {b: own, <<: *x}\n",
            "<<",
            "this merge key sets `b` again: kubectl uses the merged value, kustomize the one above",
        ),
        (
            "a: {<<: {b: 1}, <<: {c: 2}}\n",
            "<<",
            "`<<` is already set on line 1",
        ),
        ("a: 1\na: 2\n", "a", "`a` is already set on line 1"),
        ("a: !secret b\n", "!secret", "`!secret` is a YAML tag"),
        ("a: !!int b\n", "!!int", "`!!int` is a YAML tag"),
        ("a: !!binary aGk=\n", "!!binary", "`!!binary` is a YAML tag"),
        (
            "a: b # c\rd: e\n",
            "\r",
            "the character U+000D is a line break to some YAML parsers and not to others",
        ),
        (
            "a: b # c\u{2028}d: e\n",
            "\u{2028}",
            "the character U+2028 is a line break to some YAML parsers and not to others",
        ),
    ] {
        let documents = json_of(text).1;
        assert_eq!(
            documents,
            [(slice.to_owned(), message.to_owned())],
            "{text:?}"
        );
    }
}

#[test]
fn a_broken_document_does_not_hide_the_others() {
    let text = "# c\n%YAML 1.1\n---\na: 1\n--- # second\nb: [\n---\nc: {{ .Values.c }}\n---\nd: 4\nd: 5\n---\n---\ne:\n  |\n   ---\n...\nf: 6\n";
    let (values, faults) = json_of(text);
    assert_eq!(
        values,
        [json!({"a": 1}), json!({"e": "---\n"}), json!({"f": 6})]
    );
    let (_, unreadable) = parsed(text);
    let lines: Vec<_> = unreadable
        .iter()
        .map(|fault| text.get(..fault.span.start).unwrap().matches('\n').count() + 1)
        .collect();
    assert_eq!(lines, [6, 8, 11], "{faults:?}");
    assert_eq!(faults[2].1, "`d` is already set on line 10");
    let template = &unreadable[1];
    assert!(template.help.contains("helm template"), "{template:?}");
}

/// As `kubectl get -o json` appends them to a file.
#[test]
fn reads_consecutive_json_objects() {
    let text = "{\n  \"a\": 1\n}\n{\n  \"b\": {\n}\n}\n\n{\"c\": 3}\n";
    let (values, faults) = json_of(text);
    assert_eq!(faults, []);
    assert_eq!(values, [json!({"a": 1}), json!({"b": {}}), json!({"c": 3})]);
}

#[test]
fn places_in_a_later_document_refer_to_the_whole_text() {
    let text = "ä: 1\r\n---\r\nb:\r\n- 'ü'\r\n";
    let (documents, _) = parsed(text);
    let list = documents[1].document.field("b").unwrap();
    assert_eq!(slice(text, list.span()), "- 'ü'");
    assert_eq!(slice(text, list.elements()[0].span()), "'ü'");
}

#[test]
fn aliases_expand_to_a_bounded_number_of_values() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..30 {
        let below = level - 1;
        let uses = vec![format!("*a{below}"); 10].join(", ");
        writeln!(text, "a{level}: &a{level} [{uses}]").unwrap();
    }
    let (slice, message) = fault_of(&text);
    assert!(slice.starts_with("*a"), "{slice}");
    assert!(message.contains("too many values"), "{message}");
    let merges = "a: &x {b: c}\n".to_owned() + &"d: {<<: *x}\n---\na: &x {b: c}\n".repeat(10_000);
    assert_eq!(json_of(&merges).0.len(), 10_001);
}

#[test]
fn many_faults_take_linear_time() {
    let repeated = "a: b\n".repeat(100_000);
    assert_eq!(fault_of(&repeated).1, "`a` is already set on line 1");
}

#[test]
fn reads_values_as_deep_as_resource_definitions() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(json_of(&nested(128)).0.len(), 1);
    assert!(fault_of(&nested(129)).1.contains("128 levels"));
    assert_eq!(json_of(&"- ".repeat(100_000)).1.len(), 1);
    assert_eq!(json_of(&"{a: ".repeat(100_000)).1.len(), 1);
}

#[test]
fn keeps_the_comments_of_each_document() {
    let text = "# one\na: b # two\n# three\n---\n#four\nc: '# none'\n--- # five\nd: |\n  # none\n";
    let (documents, _) = parsed(text);
    let comments = documents.iter().map(|manifest| manifest.comments.iter());
    let texts: Vec<Vec<_>> = comments
        .map(|comments| comments.map(|comment| &*comment.text).collect())
        .collect();
    assert_eq!(
        texts,
        [vec!["one", "two", "three"], vec!["four"], vec!["five"]]
    );
    let second = &documents[0].comments[1];
    assert!(text.get(second.at..).unwrap().starts_with("# two"));
}
