use std::collections::BTreeMap;

use serde::Deserialize;

use super::*;

/// Everything that the types of a plugin config are made of.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Sample {
    text: String,
    #[serde(default)]
    is_set: bool,
    port: Option<u16>,
    #[serde(default)]
    texts: Vec<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    kind: Option<Kind>,
    #[serde(default)]
    samples: Vec<Sample>,
}

#[derive(Debug, Deserialize, PartialEq)]
enum Kind {
    First,
    #[serde(rename = "v2/second")]
    Second,
}

/// Samples, right and wrong, with `$` for a value.
const TEXTS: &[(&str, &[&str])] = &[
    (
        "$",
        &[
            "",
            " ",
            "{",
            "null",
            "true",
            "1",
            r#""a""#,
            "[]",
            "{}",
            r#"{"text":"a"}"#,
            r#"{"text":"a"}x"#,
            r#"{"text":"a"} {}"#,
            r#"{"text":"a",}"#,
            r#"{,"text":"a"}"#,
            r#"{"text" "a"}"#,
            r#"{"text":}"#,
            r#"{text:"a"}"#,
            r#"{"text":"a" "port":1}"#,
            r#"{"text":"a","text":"b"}"#,
            r#"{"text":"a","other":1}"#,
            r#"{"text":"a"]"#,
            " \t\r\n{ \t\r\n\"text\" \t\r\n: \t\r\n\"a\" \t\r\n, \"port\" : 1 } \t\r\n",
            "\u{a0}{\"text\":\"a\"}",
            "\u{feff}{\"text\":\"a\"}",
            "{\"text\":\"a\"}\0",
            "{\"text\":\"a\"}\u{b}",
            r#"{"\u0074ext":"a"}"#,
        ],
    ),
    (
        r#"{"text":$}"#,
        &[
            "null",
            "1",
            r#""""#,
            r#""ä€😀\u007f""#,
            r#""\"\\\/\b\f\n\r\t""#,
            r#""\u0000\u00e4\u00E4\u20ac\ud83d\ude00x""#,
            r#""\ud83d""#,
            r#""\ud83dx""#,
            r#""\ud83d\n""#,
            r#""\ud83d\u0041""#,
            r#""\ud83d\ud83d""#,
            r#""\ude00""#,
            r#""\u00g0""#,
            r#""\u12""#,
            r#""\u+123""#,
            r#""\x41""#,
            r#""\'""#,
            "\"a\nb\"",
            "\"a\0b\"",
            "\"a\u{1f}b\"",
            "\"a\u{7f}b\"",
            r#""a"#,
            r#""a\"#,
            r#""a\""#,
            r"'a'",
        ],
    ),
    (
        r#"{"text":"","port":$}"#,
        &[
            "0",
            "00",
            "01",
            "9",
            "65535",
            "65536",
            "655350",
            "99999999999999999999",
            "-0",
            "-1",
            "+1",
            "1.0",
            "1.",
            "1e3",
            "1E0",
            "1x",
            "1 ",
            "0x1",
            "null",
            "nul",
            "nullx",
            "true",
            r#""1""#,
            "[1]",
        ],
    ),
    (
        r#"{"text":"","isSet":$}"#,
        &[
            "true",
            "false",
            "null",
            "tru",
            "truex",
            "True",
            "0",
            r#""true""#,
        ],
    ),
    (
        r#"{"text":"","texts":$}"#,
        &[
            "[]",
            "[ ]",
            r#"["a"]"#,
            r#"["a","b"]"#,
            r#"[ "a" , "b" ]"#,
            r#"["a",]"#,
            r#"[,"a"]"#,
            r#"["a" "b"]"#,
            r#"["a""#,
            r#"["a"}"#,
            "[1]",
            "[null]",
            r#""a""#,
            "null",
            "{}",
        ],
    ),
    (
        r#"{"text":"","labels":$}"#,
        &[
            "{}",
            r#"{"a":"b"}"#,
            r#"{"a":"b","":"c","\n":""}"#,
            r#"{"a":"b","a":"c"}"#,
            r#"{"a":"b",}"#,
            r#"{"a":1}"#,
            r#"{"a":null}"#,
            r#"{1:"b"}"#,
            "[]",
        ],
    ),
    (
        r#"{"text":"","kind":$}"#,
        &[
            r#""First""#,
            r#""v2\/second""#,
            r#""Second""#,
            r#""first""#,
            r#""""#,
            "0",
            "null",
        ],
    ),
    (
        r#"{"text":"","samples":$}"#,
        &[
            "[{}]",
            r#"[{"text":"a"},{"text":"b","samples":[{"text":"c"}]}]"#,
            r#"[{"text":"a"},{"text":"b","samples":[{"text":1}]}]"#,
            "[null]",
        ],
    ),
];

fn read(text: &str) -> Result<Sample, JsonError> {
    from_slice(text.as_bytes())
}

#[test]
fn accepts_what_serde_json_accepts() {
    let mut accepted = 0;
    for (around, values) in TEXTS {
        for value in *values {
            let text = around.replace('$', value);
            let expected = serde_json::from_str::<Sample>(&text).ok();
            accepted += usize::from(expected.is_some());
            assert_eq!(read(&text).ok(), expected, "{text}");
        }
    }
    assert!(accepted > 20, "{accepted} are accepted");
}

#[test]
fn rejects_bytes_that_are_not_utf8() {
    for bytes in [
        &b"\xff"[..],
        b"\xc0\x80",
        b"\xe2\x82",
        b"\xed\xa0\x80",
        b"\x80",
    ] {
        let text = [b"{\"text\":\"", bytes, b"\"}"].concat();
        assert!(
            serde_json::from_slice::<Sample>(&text).is_err(),
            "{bytes:?}"
        );
        from_slice::<Sample>(&text).expect_err("not UTF-8");
    }
}

#[test]
fn takes_no_array_for_a_struct_and_no_object_for_a_variant() {
    for (text, expected) in [
        (
            "{",
            "expected a field name, found the end of the text at line 1 column 2",
        ),
        (
            r#"["a"]"#,
            "expected an object, found an array at line 1 column 1",
        ),
        (
            r#"{"text":"","kind":{"First":null}}"#,
            "kind: expected a string, found an object at line 1 column 19",
        ),
    ] {
        assert_eq!(read(text).expect_err(text).to_string(), expected);
    }
}

#[test]
fn says_where_and_what_is_wrong() {
    for (text, expected) in [
        (
            "",
            "expected an object, found the end of the text at line 1 column 1",
        ),
        ("{}", "missing field `text` at line 1 column 3"),
        (
            "\n {\"text\":?",
            "text: expected a string, found an unexpected character at line 2 column 10",
        ),
        (
            "{\"text\":\"a\",\n\"extra\":1}",
            "unknown field `extra`, expected one of `text`, `isSet`, `port`, `texts`, `labels`, `kind`, \
             `samples` at line 2 column 9",
        ),
        (
            r#"{"text":"a","text":"b"}"#,
            "text: duplicate field `text` at line 1 column 20",
        ),
        (
            r#"{"text":"a\q"}"#,
            "text: invalid string at line 1 column 13",
        ),
        (
            r#"{"text":"a","port":65536}"#,
            "port: expected an integer from 0 to 65535 at line 1 column 24",
        ),
        (
            r#"{"text":"a","port":"1"}"#,
            "port: expected an integer, found a string at line 1 column 20",
        ),
        (
            r#"{"text":"a","isSet":1}"#,
            "isSet: expected a boolean, found a number at line 1 column 21",
        ),
        (
            r#"{"text":"a","kind":"c"}"#,
            "kind: unknown variant `c`, expected `First` or `v2/second` at line 1 column 23",
        ),
        (
            r#"{"text":"a","texts":["b",true]}"#,
            "texts[1]: expected a string, found a boolean at line 1 column 26",
        ),
        (
            r#"{"text":"a","texts":["b" "c"]}"#,
            "texts[0]: expected `,` or `]`, found a string at line 1 column 26",
        ),
        (
            r#"{"text":"a","labels":{"b":[]}}"#,
            "labels.b: expected a string, found an array at line 1 column 27",
        ),
        (
            r#"{"text":"a","samples":[{"text":"b"},{"text":"c","samples":[{"port":1}]}]}"#,
            "samples[1].samples[0]: missing field `text` at line 1 column 70",
        ),
        (
            r#"{"text":"a"} {}"#,
            "expected the end of the text, found an object at line 1 column 14",
        ),
    ] {
        assert_eq!(read(text).expect_err(text).to_string(), expected, "{text}");
    }
}
