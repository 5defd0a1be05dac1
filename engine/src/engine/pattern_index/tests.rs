use super::*;

fn found(index: &PatternIndex, scope: usize, text: &str) -> Vec<usize> {
    let mut values = Vec::new();
    index.visit(scope, text.as_bytes(), |value| values.push(value));
    values.sort_unstable();
    values
}

#[test]
fn visits_exactly_the_matching_patterns() {
    let patterns = [
        "*", "abc", "ab*", "a*", "abcd*", "*bc", "*c", "*abc", "abc*", "*xabc", "b*", "ab",
    ];
    let mut index = PatternIndex::default();
    for (value, pattern) in patterns.iter().enumerate() {
        index.insert(0, &TextMatch::parse(pattern).unwrap(), value);
    }
    for text in ["", "a", "ab", "abc", "abcd", "xabc", "bc", "c", "x"] {
        let matches = |pattern: &&str| TextMatch::parse(pattern).unwrap().matches(text.as_bytes());
        let positions = patterns.iter().enumerate();
        let expected: Vec<_> = positions
            .filter_map(|(value, pattern)| matches(pattern).then_some(value))
            .collect();
        assert_eq!(found(&index, 0, text), expected, "{text:?}");
    }
}

#[test]
fn separates_scopes() {
    let mut index = PatternIndex::default();
    index.insert(3, &TextMatch::Exact("a".into()), 30);
    index.insert(1, &TextMatch::Exact("a".into()), 10);
    index.insert(2, &TextMatch::Prefix("a".into()), 20);
    for (scope, expected) in [
        (0, vec![]),
        (1, vec![10]),
        (2, vec![20]),
        (3, vec![30]),
        (4, vec![]),
    ] {
        assert_eq!(found(&index, scope, "a"), expected, "scope {scope}");
        assert_eq!(index.is_empty(scope), expected.is_empty(), "scope {scope}");
    }
}
