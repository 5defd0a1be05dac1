use super::super::node::Content;
use super::{Node, at, described, document, parse, slice};
use crate::code::{self, Code};
use crate::problem::{Location, Step};

/// The code, slice and message of every fault of a refused text.
fn refused(text: &str) -> Vec<(String, String, String)> {
    let faults = parse(text).expect_err(text);
    described(text, &faults)
        .into_iter()
        .map(|[code, slice, message, _]| (code, slice, message))
        .collect()
}

fn codes(text: &str) -> Vec<Code> {
    let faults = parse(text).err().unwrap_or_default();
    faults.iter().map(|fault| fault.code).collect()
}

fn element(node: &Node, index: usize) -> &Node {
    let Content::Sequence(elements) = &node.content else {
        panic!("no list: {node:?}");
    };
    &elements[index]
}

#[test]
fn scalar_spans_cover_exactly_the_scalar() {
    for (text, expected) in [
        ("a: plain", "plain"),
        ("a: plain  ", "plain"),
        ("a: plain  # comment\n", "plain"),
        ("a: plain\r\n", "plain"),
        ("a: two words\n", "two words"),
        ("a: two\n  lines\nb: c\n", "two\n  lines"),
        ("a: 'single'  \n", "'single'"),
        ("a: 'it''s'  # don't\n", "'it''s'"),
        ("a: \"double\"  # \"comment\"\n", "\"double\""),
        ("a: \"back\\\\\"  # \\\"\n", "\"back\\\\\""),
        ("a: \"esc\\\"aped\" \n", "\"esc\\\"aped\""),
        ("a: 'two\n  lines' \n", "'two\n  lines'"),
        ("a: ''\n", "''"),
        ("{a: x , b: y}", "x"),
        ("{a: 'x' , b: y}", "'x'"),
        ("{\"a\":\"x\"}", "\"x\""),
        ("{\"a\" : \"x\" ,\n \"b\": 1}", "\"x\""),
        ("a: |\n  one\n  two\n\nb: c\n", "one\n  two"),
        ("a: |-\n  one  \n\n\n", "one"),
        ("a: >\r\n  one\r\n  two\r\n", "one\r\n  two"),
        ("a: |+  # kept\n\n  one\n\n", "one"),
        ("? a\n: x\n", "x"),
    ] {
        let root = document(text);
        assert_eq!(slice(text, at(&root, &["a"]).span()), expected, "{text:?}");
    }
}

#[test]
fn spans_are_byte_offsets_after_any_text() {
    let comment = format!("# {}\n", "日本語é🦀".repeat(50));
    for text in [
        "ключ: ünï  # 🦀\nnext: 'é'  # é\nblock: |\n  日本\n  語\nafter: end\n".to_owned(),
        format!("{comment}ключ: ünï\n{comment}next: 'é'\nblock: |\n  日本\n  語\nafter: end\n"),
        "\u{feff}ключ: ünï\r\nnext: 'é'\r\nblock: |\r\n  日本\r\n  語\r\nafter: end".to_owned(),
    ] {
        let root = document(&text);
        assert_eq!(slice(&text, at(&root, &["ключ"]).span()), "ünï");
        assert_eq!(slice(&text, at(&root, &["next"]).span()), "'é'");
        let block = slice(&text, at(&root, &["block"]).span());
        assert_eq!(block.replace('\r', ""), "日本\n  語");
        assert_eq!(slice(&text, at(&root, &["after"]).span()), "end");
    }
}

#[test]
fn spans_are_right_in_long_texts() {
    use std::fmt::Write as _;
    let mut text = String::new();
    for number in 0..1000 {
        writeln!(text, "ключ{number}: значение{number} # ü{number}").unwrap();
    }
    let root = document(&text);
    for number in [0, 1, 63, 64, 65, 500, 999] {
        let node = at(&root, &[&format!("ключ{number}")]).clone();
        assert_eq!(slice(&text, node.span()), format!("значение{number}"));
    }
}

#[test]
fn collection_spans_end_with_their_last_value_or_bracket() {
    for (text, expected) in [
        ("a:\n  b: c\n  d: e\n\n# end\nf: g\n", "b: c\n  d: e"),
        ("a:\n- b\n- c  # last\nd: e\n", "- b\n- c"),
        ("a:\n  - b\n  - c\n", "- b\n  - c"),
        ("a:\n- # c\n  - b\n  - c\nd: e\n", "- # c\n  - b\n  - c"),
        ("a:\n- [b]\n- {c: d}\ne: f\n", "- [b]\n- {c: d}"),
        ("a: [b, c]  # list\n", "[b, c]"),
        ("a: {b: c, d: [e] }  # map\n", "{b: c, d: [e] }"),
        ("a: []\n", "[]"),
        ("a: {}\n", "{}"),
        ("a: [\n  b,\n]\n", "[\n  b,\n]"),
        ("a:\n  - b:\n      - 'c'  # deep\nd: e", "- b:\n      - 'c'"),
    ] {
        let root = document(text);
        assert_eq!(slice(text, at(&root, &["a"]).span()), expected, "{text:?}");
    }
    let text = "a: [b: c, d]";
    let pair = document(text);
    let pair = element(at(&pair, &["a"]), 0);
    assert_eq!(slice(text, pair.span()), "b: c");
}

#[test]
fn empty_values_have_the_span_of_their_key_or_dash() {
    for text in [
        "key:\nb: c\n",
        "key: # é\nb: c\n",
        "{key: , b: c}",
        "{key, b: c}",
        "key: |\nb: c",
    ] {
        let root = document(text);
        assert_eq!(slice(text, at(&root, &["key"]).span()), "key", "{text:?}");
    }
    for text in [
        "- a\n-\n",
        "- a\n-",
        "- a\n- # - é\n- b\n",
        "- a\r\n-\r\n- b",
    ] {
        let root = document(text);
        let span = element(&root, 1).span();
        assert_eq!(slice(text, span), "-", "{text:?}");
        assert!(text.get(..span.start).unwrap().ends_with('\n'), "{text:?}");
    }
}

#[test]
fn only_text_is_text() {
    for (value, expected) in [
        ("word", Some("word")),
        ("'123'", Some("123")),
        ("\"true\"", Some("true")),
        ("''", Some("")),
        ("no", Some("no")),
        ("on", Some("on")),
        ("yes", Some("yes")),
        ("2026-01-31", Some("2026-01-31")),
        ("1.2.3", Some("1.2.3")),
        ("0x", Some("0x")),
        ("0o9", Some("0o9")),
        ("0x+1", Some("0x+1")),
        ("infinity", Some("infinity")),
        (".", Some(".")),
        ("e5", Some("e5")),
        ("|\n  123", Some("123\n")),
        ("123", None),
        ("-1", None),
        ("+1", None),
        ("0x1F", None),
        ("0o17", None),
        ("1.27", None),
        ("1e3", None),
        (".5", None),
        ("-.inf", None),
        (".nan", None),
        ("true", None),
        ("False", None),
        ("null", None),
        ("~", None),
        ("", None),
        ("[]", None),
        ("{}", None),
    ] {
        let text = format!("a: {value}");
        let root = document(&text);
        assert_eq!(at(&root, &["a"]).as_str(), expected, "{value:?}");
    }
}

#[test]
fn streams_hold_any_number_of_documents() {
    for (text, expected) in [
        ("", 0),
        ("\u{feff}", 0),
        ("# only a comment\n", 0),
        ("---\n---\n# nothing\n---\n", 0),
        ("...\n", 0),
        ("a: b", 1),
        ("---\na: b\n...\n", 1),
        ("%YAML 1.2\n---\na: b\n", 1),
        ("---\n# nothing\n---\na: b\n---\n\n---\nc: d\n", 2),
        ("a: b\n---\r\nc: d\r\n---\r\n- e\r\n", 3),
        ("a\n---\n''\n", 2),
    ] {
        let documents = parse(text).unwrap_or_else(|faults| panic!("{text:?}: {faults:?}"));
        assert_eq!(documents.len(), expected, "{text:?}");
    }
    let text = "a: ü\n---\n# ü\nb: 'x'\n";
    let documents = parse(text).unwrap();
    assert_eq!(slice(text, at(&documents[1], &["b"]).span()), "'x'");
}

#[test]
fn json_is_yaml() {
    let text = "{\n\t\"a\": [1, \"two\", {\"b\": null}],\n\t\"c\": {\"d\":\"e\"}\n}\n";
    let root = document(text);
    assert_eq!(at(&root, &["c", "d"]).as_str(), Some("e"));
    let list = at(&root, &["a"]);
    assert_eq!(slice(text, list.span()), "[1, \"two\", {\"b\": null}]");
    assert_eq!(slice(text, element(list, 2).span()), "{\"b\": null}");
}

#[test]
fn features_that_hide_meaning_are_refused() {
    for (text, expected) in [
        ("a: &anchor x\n", "&anchor"),
        ("a: &anchor\n  b: c\n", "&anchor"),
        ("a: &anchor [x]\n", "&anchor"),
        ("é: *host\n", "*host"),
        ("a: [*host, b]\n", "*host"),
        ("- *.example.com\n- b\n", "*.example.com"),
        ("a: !!str 1\n", "!!str"),
        ("a: !custom {b: c}\n", "!custom"),
        ("a: !e!x y\n", "!e!x"),
        ("<<: {a: b}\n", "<<"),
        ("? [a]\n: b\n", "[a]"),
        ("{[a]: b}\n", "[a]"),
        ("? {a: b}\n: c\n", "{a: b}"),
    ] {
        let faults = refused(text);
        assert_eq!(faults.len(), 1, "{text:?}: {faults:?}");
        assert_eq!(faults[0].0, "yaml-feature", "{text:?}");
        assert_eq!(faults[0].1, expected, "{text:?}");
    }
}

#[test]
fn quoted_text_may_look_like_a_feature() {
    for text in [
        "a: '*'", "a: '&x'", "a: '!x'", "a: /*", "a: x*", "'*a': b", "a: <<",
    ] {
        assert_eq!(codes(text), [], "{text:?}");
    }
}

#[test]
fn every_feature_and_repetition_is_reported_in_one_run() {
    let text = "\
a: &x 1
b: *x
c: *unknown
a: !!int &y 2
<<: *x
a: 3
---
d: {e: 1, e: 2}
*z : f
g: [
";
    let faults: Vec<_> = refused(text)
        .into_iter()
        .map(|(code, slice, _)| (code, slice))
        .collect();
    let expected = [
        ("yaml-feature", "&x"),
        ("yaml-feature", "*x"),
        ("yaml-feature", "*unknown"),
        ("duplicate-key", "a"),
        ("yaml-feature", "!!int"),
        ("yaml-feature", "&y"),
        ("yaml-feature", "<<"),
        ("yaml-feature", "*x"),
        ("duplicate-key", "a"),
        ("duplicate-key", "e"),
        ("yaml-feature", "*z"),
        ("yaml-syntax", "["),
    ]
    .map(|(code, slice)| (code.to_owned(), slice.to_owned()));
    assert_eq!(faults[..11], expected[..11]);
    assert_eq!(faults[11].0, expected[11].0);
    assert_eq!(faults.len(), 12);
}

#[test]
fn duplicate_keys_name_the_line_of_the_first() {
    let text = "# é\r\nspec:\r\n  name: x\r\n  other: y\r\n  \"name\": z\r\n  name: w\r\n";
    let message = "`name` is already set on line 3".to_owned();
    assert_eq!(
        refused(text),
        [
            (
                "duplicate-key".to_owned(),
                "\"name\"".to_owned(),
                message.clone()
            ),
            ("duplicate-key".to_owned(), "name".to_owned(), message),
        ]
    );
    assert_eq!(codes("a: {x: 1}\nb: {x: 1}\n"), []);
}

#[test]
fn malformed_text_is_refused_where_it_is_wrong() {
    for (text, expected) in [
        ("a: b: c\n", ":"),
        ("a: [b\n", "["),
        ("é: @x\n", "@x"),
        ("a: *\n", "*"),
        ("a: 'é\n", "'é"),
        ("a: \"\\q\"\n", "\"\\q\""),
        ("é: x\n\tb: y\n", "x"),
        ("a: ]\n", "]"),
        ("a: x\u{0}y", "\u{0}y"),
    ] {
        let faults = parse(text).expect_err(text);
        assert_eq!(faults.len(), 1, "{text:?}");
        assert_eq!(faults[0].code, code::YAML_SYNTAX, "{text:?}");
        assert_eq!(slice(text, faults[0].span), expected, "{text:?}");
        assert!(!faults[0].help.is_empty());
    }
}

#[test]
fn nesting_is_bounded() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(codes(&nested(32)), []);
    assert_eq!(codes(&nested(33)), [code::YAML_FEATURE]);
    assert_eq!(codes(&"- ".repeat(100_000)), [code::YAML_FEATURE]);
    assert_eq!(codes(&"? ".repeat(100_000)), [code::YAML_FEATURE]);
    let text = "- ".repeat(33) + "a";
    let faults = parse(&text).unwrap_err();
    assert_eq!(faults[0].span.start, 64);
    // The scanner has a limit of its own for brackets, which is reached before that of the tree.
    assert_eq!(codes(&"[".repeat(100_000)).len(), 1);
    assert_eq!(codes(&"{a: ".repeat(100_000)).len(), 1);
}

#[test]
fn parsing_takes_linear_time() {
    let policy = "---\nä:\n  - {b: 'ü', c: [d, e]}\n  - f: |\n      x\n    g:\n";
    assert_eq!(parse(&policy.repeat(10_000)).unwrap().len(), 10_000);
    let wide = format!("[{}]", "{\"ä\": [\"ö\"]}, ".repeat(50_000));
    assert_eq!(codes(&wide), []);
    assert_eq!(codes(&"- &a x\n".repeat(50_000)).len(), 50_000);
}

#[test]
fn locates_values_or_the_nearest_parent() {
    let text = "\
spec:  # é
  rules:
    - id: one
      from: [a, 'b']
    - id: two
";
    let root = document(text);
    let key = |key: &'static str| Step::Key(key.into());
    for (steps, expected) in [
        (
            vec![key("spec"), key("rules"), Step::Index(0), key("id")],
            "one",
        ),
        (
            vec![
                key("spec"),
                key("rules"),
                Step::Index(0),
                key("from"),
                Step::Index(1),
            ],
            "'b'",
        ),
        (
            vec![key("spec"), key("rules"), Step::Index(0), key("from")],
            "[a, 'b']",
        ),
        (
            vec![key("spec"), key("rules"), Step::Index(1), key("to")],
            "id: two",
        ),
        (
            vec![key("spec"), key("rules"), Step::Index(0), key("to")],
            "id: one",
        ),
        (
            vec![key("spec"), key("rules"), Step::Index(7), key("id")],
            "rules",
        ),
        (vec![key("spec"), key("selector"), key("x")], "spec"),
        (vec![key("spec"), Step::Index(0)], "spec"),
        (vec![key("metadata")], "spec:  # é"),
    ] {
        let location: Location = steps.into_iter().collect();
        assert_eq!(slice(text, root.locate(&location)), expected, "{location}");
    }
    assert_eq!(root.locate(&Location::default()), root.span());
}
