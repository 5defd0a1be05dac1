//! Faults of one field of a rule.

use super::*;

/// A line of a rule, and the code, slice, message and help of its fault.
const RULE_FAULTS: &[[&str; 5]] = &[
    [
        "id: 123",
        "wrong-type",
        "123",
        "`id` expects text, found the number `123`",
        "put it in quotes: `\"123\"`",
    ],
    [
        "id: 1.20  # é",
        "wrong-type",
        "1.20",
        "`id` expects text, found the number `1.20`",
        "put it in quotes: `\"1.20\"`",
    ],
    [
        "id: true",
        "wrong-type",
        "true",
        "`id` expects text, found `true`",
        "put it in quotes: `\"true\"`",
    ],
    [
        "id: null",
        "wrong-type",
        "null",
        "`id` expects text, found `null`",
        "put it in quotes: `\"null\"`",
    ],
    [
        "id:",
        "wrong-type",
        "id",
        "`id` expects text, found nothing",
        "write a text",
    ],
    [
        "id: [a]",
        "wrong-type",
        "[a]",
        "`id` expects text, found a list",
        "write a text",
    ],
    [
        "port: \"80\"",
        "wrong-type",
        "\"80\"",
        "`port` expects a whole number from 0 to 65535, found the text `80`",
        "remove the quotes",
    ],
    [
        "port: 65536",
        "wrong-type",
        "65536",
        "`port` expects a whole number from 0 to 65535, found the number `65536`",
        "write a whole number from 0 to 65535",
    ],
    [
        "port: -1",
        "wrong-type",
        "-1",
        "`port` expects a whole number from 0 to 65535, found the number `-1`",
        "write a whole number from 0 to 65535",
    ],
    [
        "port: 1.5",
        "wrong-type",
        "1.5",
        "`port` expects a whole number from 0 to 65535, found the number `1.5`",
        "write a whole number from 0 to 65535",
    ],
    [
        "enabled: yes",
        "wrong-type",
        "yes",
        "`enabled` expects `true` or `false`, found the text `yes`",
        "write `true`, without quotes",
    ],
    [
        "enabled: 'false'",
        "wrong-type",
        "'false'",
        "`enabled` expects `true` or `false`, found the text `false`",
        "write `false`, without quotes",
    ],
    [
        "enabled: 1",
        "wrong-type",
        "1",
        "`enabled` expects `true` or `false`, found the number `1`",
        "write `true` or `false`",
    ],
    [
        "weight: heavy",
        "wrong-type",
        "heavy",
        "`weight` expects a number, found the text `heavy`",
        "write a number, without quotes",
    ],
    [
        "notPaths:",
        "wrong-type",
        "notPaths",
        "`notPaths` is empty",
        "remove the field, or give it a value",
    ],
    [
        "notPaths: ~",
        "wrong-type",
        "~",
        "`notPaths` is `~`",
        "remove the field, or give it a value",
    ],
    [
        "notPaths: /a",
        "wrong-type",
        "/a",
        "`notPaths` expects a list, found the text `/a`",
        "write it as a list of one: `- ` before the value, or `[ ]` around it",
    ],
    [
        "notPaths:\n  a: b\n  c: d",
        "wrong-type",
        "a: b",
        "`notPaths` expects a list, found a mapping",
        "write `- ` before each element",
    ],
    [
        "notPaths: [8]",
        "wrong-type",
        "8",
        "an element of `notPaths` expects text, found the number `8`",
        "put it in quotes: `\"8\"`",
    ],
    [
        "notPath: [a]",
        "unknown-field",
        "notPath",
        "`notPath` is not a field of the document",
        "did you mean `notPaths`?",
    ],
    [
        "NOTPATHS: [a]",
        "unknown-field",
        "NOTPATHS",
        "`NOTPATHS` is not a field of the document",
        "did you mean `notPaths`?",
    ],
    [
        "'something else': 1",
        "unknown-field",
        "'something else'",
        "`something else` is not a field of the document",
        "the fields are `id`, `port`, `notPaths`, `enabled`, `weight`, `delta` and `matcher`",
    ],
    [
        "matcher: exact",
        "wrong-type",
        "exact",
        "`exact` needs a value",
        "write `exact: ` and the value",
    ],
    [
        "matcher: {any: 1}",
        "wrong-type",
        "{any: 1}",
        "`matcher` expects only the word `any`, found a mapping",
        "write `any` without a colon",
    ],
    [
        "matcher: {exact: a, any: b}",
        "wrong-type",
        "{exact: a, any: b}",
        "`matcher` expects one of `exact`, `range`, `pair` and `any`, found a mapping",
        "write `exact`, `range`, `pair` or `any`",
    ],
    [
        "matcher: {exakt: a}",
        "unknown-value",
        "exakt",
        "`exakt` is not a value of `matcher`",
        "did you mean `exact`? The accepted values are `exact`, `range`, `pair` and `any`",
    ],
    [
        "matcher: {exact: 7}",
        "wrong-type",
        "7",
        "`exact` expects text, found the number `7`",
        "put it in quotes: `\"7\"`",
    ],
    [
        "matcher: {range: {from: 1}}",
        "missing-field",
        "from",
        "`range` lacks the required field `to`",
        "add the field `to`",
    ],
];

#[test]
fn faults_name_the_field_and_the_expected_and_found_values() {
    for [line, fault @ ..] in RULE_FAULTS {
        assert_eq!(fault_in_rule(line), *fault, "{line:?}");
    }
}

#[test]
fn unknown_words_are_compared_without_case_first() {
    let accepted = "he accepted values are `Allow`, `Deny` and `AuditOnly`";
    for (word, meant) in [
        ("allow", Some("Allow")),
        ("DENY", Some("Deny")),
        ("audit_only", Some("AuditOnly")),
        ("Alow", Some("Allow")),
        ("Custom", None),
        ("true", None),
    ] {
        let (policy, faults) = read_text::<Policy>(&format!("name: x\naction: {word}\n"));
        let help = match meant {
            Some(meant) => format!("did you mean `{meant}`? T{accepted}"),
            None => format!("t{accepted}"),
        };
        let message = format!("`{word}` is not a value of `action`");
        assert_eq!(
            faults,
            [["unknown-value".into(), word.into(), message, help]]
        );
        assert_eq!(policy.unwrap().action, None);
    }
}
