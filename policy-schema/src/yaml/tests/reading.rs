mod faults_of_fields;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::{described, document, read, read_text, slice};
use crate::problem::{Location, Step};

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
struct Policy {
    name: String,
    action: Option<Action>,
    labels: Option<BTreeMap<String, String>>,
    #[serde(default)]
    rules: Vec<Rule>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Rule {
    id: String,
    port: u16,
    not_paths: Option<Vec<String>>,
    enabled: Option<bool>,
    weight: Option<f64>,
    delta: Option<i64>,
    matcher: Option<Matcher>,
}

#[derive(Debug, Deserialize, PartialEq)]
enum Action {
    Allow,
    Deny,
    AuditOnly,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
enum Matcher {
    Exact(String),
    Range { from: u16, to: u16 },
    Pair(u8, u8),
    Any,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(try_from = "String")]
struct Upper(String);

impl TryFrom<String> for Upper {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_upper = !text.is_empty() && text.chars().all(char::is_uppercase);
        is_upper
            .then_some(Self(text))
            .ok_or_else(|| "it is not in capitals".to_owned())
    }
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "it cannot be made")]
struct Both {
    upper: Upper,
    word: String,
}

/// The only fault of an otherwise complete rule with `line`: slice, message and help.
fn fault_in_rule(line: &str) -> [String; 4] {
    let key = line.split(':').next().unwrap_or_default();
    let rest: String = ["id: a", "port: 1"]
        .into_iter()
        .filter(|other| !other.starts_with(&format!("{key}:")))
        .fold(String::new(), |rest, other| rest + other + "\n");
    let (_, mut faults) = read_text::<Rule>(&format!("{rest}{line}\n"));
    assert_eq!(faults.len(), 1, "{line:?}: {faults:?}");
    faults.remove(0)
}

#[test]
fn reads_a_valid_document_unchanged() {
    let (policy, faults) = read_text::<Policy>(
        "\
name: \"8\"
action: AuditOnly
labels: {app: web, tier: '1'}
rules:
  - id: a
    port: 0x50
    notPaths: [/a, '/b c']
    enabled: false
    weight: 1
    delta: -5
    matcher: {exact: x}
  - {id: no, port: 1, weight: 2.5, matcher: {range: {from: 1, to: 2}}}
  - {id: on, port: 1, matcher: any}
  - {id: on, port: 1, matcher: {pair: [1, 2]}}
",
    );
    assert_eq!(faults, Vec::<[String; 4]>::new());
    let rule = |id: &str, matcher| Rule {
        id: id.to_owned(),
        port: 1,
        not_paths: None,
        enabled: None,
        weight: None,
        delta: None,
        matcher: Some(matcher),
    };
    let labels = [("app", "web"), ("tier", "1")].map(|(key, value)| (key.into(), value.into()));
    let expected = Policy {
        name: "8".to_owned(),
        action: Some(Action::AuditOnly),
        labels: Some(labels.into()),
        rules: vec![
            Rule {
                id: "a".to_owned(),
                port: 80,
                not_paths: Some(vec!["/a".to_owned(), "/b c".to_owned()]),
                enabled: Some(false),
                weight: Some(1.0),
                delta: Some(-5),
                matcher: Some(Matcher::Exact("x".to_owned())),
            },
            Rule {
                weight: Some(2.5),
                ..rule("no", Matcher::Range { from: 1, to: 2 })
            },
            rule("on", Matcher::Any),
            rule("on", Matcher::Pair(1, 2)),
        ],
    };
    assert_eq!(policy, Some(expected));
}

#[test]
fn json_values_and_block_scalars_are_read() {
    let text =
        "a: [1, -2, 2.5, true, null, no, '3']\nb: {c: ~, d: }\ne: |\n  x\n  y\nf: >-\n  x\n  y\n";
    let (value, faults) = read_text::<serde_json::Value>(text);
    assert_eq!(faults, Vec::<[String; 4]>::new());
    assert_eq!(
        value,
        Some(json!({
            "a": [1, -2, 2.5, true, null, "no", "3"],
            "b": {"c": null, "d": null},
            "e": "x\ny\n",
            "f": "x y",
        }))
    );
    let (value, _) =
        read_text::<Policy>("{\"name\": \"x\", \"rules\": [{\"id\":\"a\",\"port\":1}]}");
    assert_eq!(value.unwrap().rules.len(), 1);
}

#[test]
fn reports_all_faults_in_one_run_and_keeps_the_rest() {
    let text = "\
nmae: é
name: ok
labels: {a: 1, b: two, 3: c}
rules:
  - id: first
    port: 1
    extra: 1
    enabled: maybe
  - port: http
    other: 2
  - just text
  - id: last
    port: 2
    notPaths: [/a, 5, /b, [c]]
action: alow
";
    let root = document(text);
    let (policy, faults) = read::<Policy>(&root);
    let found: Vec<_> = described(text, &faults)
        .into_iter()
        .map(|[code, slice, ..]| (code, slice))
        .collect();
    let expected = [
        ("unknown-field", "nmae"),
        ("wrong-type", "1"),
        ("wrong-type", "3"),
        ("unknown-field", "extra"),
        ("wrong-type", "maybe"),
        ("missing-field", "port"),
        ("wrong-type", "http"),
        ("unknown-field", "other"),
        ("wrong-type", "just text"),
        ("wrong-type", "5"),
        ("wrong-type", "[c]"),
        ("unknown-value", "alow"),
    ]
    .map(|(code, slice)| (code.to_owned(), slice.to_owned()));
    assert_eq!(found, expected);

    let policy = policy.unwrap();
    assert_eq!(policy.name, "ok");
    assert_eq!(policy.action, None);
    assert_eq!(
        policy.labels.unwrap().into_keys().collect::<Vec<_>>(),
        ["b"]
    );
    let ids: Vec<_> = policy.rules.iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(ids, ["first", "last"]);
    assert_eq!(policy.rules[0].enabled, None);
    assert_eq!(
        policy.rules[1].not_paths.as_deref(),
        Some(["/a".to_owned(), "/b".to_owned()].as_slice())
    );

    // Positions refer to the result, not to the text.
    let key = |key: &'static str| Step::Key(key.into());
    for (steps, expected) in [
        (vec![key("rules"), Step::Index(1), key("id")], "last"),
        (
            vec![
                key("rules"),
                Step::Index(1),
                key("notPaths"),
                Step::Index(1),
            ],
            "/b",
        ),
        (vec![key("rules"), Step::Index(2)], "rules"),
    ] {
        let location: Location = steps.into_iter().collect();
        assert_eq!(slice(text, root.locate(&location)), expected, "{location}");
    }
}

#[test]
fn every_missing_field_is_reported_once() {
    let text = "rules:\n- enabled: true\n- id: 1\n  delta: x\n";
    let (policy, faults) = read_text::<Policy>(text);
    assert_eq!(policy, None);
    let messages: Vec<_> = faults
        .iter()
        .map(|[_, slice, message, _]| (slice.as_str(), message.as_str()))
        .collect();
    assert_eq!(
        messages,
        [
            ("rules", "the document lacks the required field `name`"),
            (
                "enabled",
                "an element of `rules` lacks the required field `id`"
            ),
            (
                "enabled",
                "an element of `rules` lacks the required field `port`"
            ),
            (
                "id",
                "an element of `rules` lacks the required field `port`"
            ),
            ("1", "`id` expects text, found the number `1`"),
            (
                "x",
                "`delta` expects a whole number of at most 64 bits, found the text `x`"
            ),
        ]
    );
    let (_, faults) = read_text::<Policy>("{}");
    assert_eq!(faults[0][1], "{}");
    assert_eq!(faults.len(), 1);
}

#[test]
fn refuses_documents_with_another_structure() {
    for (text, message) in [
        ("- a\n- b\n", "the document expects a mapping, found a list"),
        (
            "word\n",
            "the document expects a mapping, found the text `word`",
        ),
    ] {
        let (policy, faults) = read_text::<Policy>(text);
        assert_eq!(policy, None);
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0][2], message);
    }
}

#[test]
fn passes_on_the_errors_of_types() {
    let (value, faults) = read_text::<Vec<Upper>>("[A, b, C]");
    assert_eq!(value, Some(vec![Upper("A".into()), Upper("C".into())]));
    assert_eq!(faults.len(), 1);
    assert_eq!(
        faults[0][2],
        "an element of the document is not accepted: it is not in capitals"
    );

    // No placeholder satisfies `Upper`. Reading must not loop.
    let (value, faults) = read_text::<Both>("{x: 1}");
    assert!(value.is_none());
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert_eq!(faults[0][0], "unknown-field");
    assert_eq!(faults[1][0], "missing-field");
}

#[test]
fn reads_recursive_types() {
    #[derive(Debug, Deserialize, PartialEq)]
    enum Condition {
        Not(Box<Condition>),
        Always,
    }
    #[derive(Debug, Deserialize, PartialEq)]
    struct Guard {
        condition: Condition,
        name: String,
    }
    let (guard, faults) = read_text::<Guard>("{condition: {Not: {Not: Always}}, name: x}");
    assert_eq!(faults.len(), 0);
    let expected = Condition::Not(Box::new(Condition::Not(Box::new(Condition::Always))));
    assert_eq!(guard.unwrap().condition, expected);
    let (guard, faults) = read_text::<Guard>("{}");
    assert_eq!(guard, None);
    assert_eq!(faults[0][0], "missing-field");
}

#[test]
fn reading_twice_reports_the_same() {
    let text = "rules: [1, {id: a, port: 1}]\nname: x\n";
    let root = document(text);
    let first = read::<Policy>(&root);
    assert_eq!(first.1.len(), 1);
    assert_eq!(read::<Policy>(&root), first);
}

#[test]
fn long_or_unprintable_text_is_shortened_in_messages() {
    let [_, _, message, _] = fault_in_rule(&format!("port: \"{}\"", "é".repeat(10_000)));
    assert!(
        message.ends_with(&format!("`{}…`", "é".repeat(60))),
        "{message}"
    );
    let [_, _, message, _] = fault_in_rule("port: \"\\e[31m\\n\"");
    assert!(message.ends_with("the text `\\u{1b}[31m\\n`"), "{message}");
}

#[test]
fn many_faults_take_linear_time() {
    let rule = "  - {id: 1, port: x, enabled: y, weight: z, notPaths: [1], bad: 2}\n";
    let text = format!("rules:\n{}", rule.repeat(10_000));
    let (_, faults) = read::<Policy>(&document(&text));
    assert_eq!(faults.len(), 60_001);
    let labels: String = (0..20_000).fold(String::new(), |text, number| {
        text + &format!("  k{number}: {number}\n")
    });
    let (_, faults) = read::<Policy>(&document(&format!("name: x\nlabels:\n{labels}")));
    assert_eq!(faults.len(), 20_000);
}
