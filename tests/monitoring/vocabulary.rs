//! Rules and dashboards use the filter's vocabulary: a query with an unknown name or word finds
//! nothing without failing.

use peergate_tests::monitoring::files;
use policy_schema::telemetry::{
    DecisionEffect, Label, RbacComparison, ReasonCode, flat_value, metric,
};
use regex::Regex;

const FILES: [&str; 3] = [
    "monitoring/alerts.yaml",
    "monitoring/rules.yaml",
    "monitoring/rules_test.yaml",
];

/// Every expression in rules and dashboards.
fn expressions() -> Vec<String> {
    let dashboards = files::dashboards();
    let queries = dashboards.iter().flat_map(|(_, it)| files::queries(it));
    let queries = queries.map(|(_, query)| query.to_owned());
    let rules = FILES[..2].iter().flat_map(|file| files::rules(file));
    let rules = rules.map(|rule| rule["expr"].as_str().unwrap().to_owned());
    queries.chain(rules).collect()
}

fn is_known(name: &str) -> bool {
    let is_flat = |metric: &metric::Metric| metric.flat_values(name).is_some();
    let is_metric = |metric: &metric::Metric| metric.name == name || is_flat(metric);
    metric::ALL.iter().any(is_metric) || name.parse::<Label>().is_ok()
}

/// The words of a label; `None` if its values are free text.
fn words(label: Label) -> Option<Vec<&'static str>> {
    match label {
        Label::Effect => Some(DecisionEffect::ALL.map(DecisionEffect::as_str).into()),
        Label::Reason => Some(ReasonCode::ALL.map(ReasonCode::as_str).into()),
        Label::Verdicts => Some(RbacComparison::ALL.map(RbacComparison::as_str).into()),
        Label::Policy | Label::Rule | Label::Caller | Label::Method | Label::Path => None,
    }
}

#[test]
fn every_name_is_a_metric_or_a_label() {
    let name = Regex::new(r"\bpeergate_[A-Za-z_]+").unwrap();
    let mut texts: Vec<_> = FILES.iter().map(|file| files::text(file)).collect();
    let dashboards = files::dashboards();
    texts.extend(dashboards.iter().map(|(_, it)| it.to_string()));
    for text in texts {
        let mut names = name.find_iter(&text).map(|found| found.as_str()).peekable();
        assert!(names.peek().is_some(), "{text}");
        for name in names {
            assert!(is_known(name), "the filter has no `{name}`");
        }
    }
}

#[test]
fn every_word_is_in_the_filters_vocabulary() {
    let matcher = Regex::new(r#"(peergate_\w+)\s*(?:=|!=|=~|!~)\s*"([^"$]*)""#).unwrap();
    let mut count = 0;
    for expression in expressions() {
        for found in matcher.captures_iter(&expression) {
            let Some(words) = words(found[1].parse().unwrap()) else {
                continue;
            };
            let value = &found[2];
            // Each alternative matches a word, in both kinds of names.
            for alternative in alternatives(value) {
                let pattern = Regex::new(&format!("^(?:{alternative})$")).unwrap();
                let finds = |word: &str| pattern.is_match(word);
                let mut words = words.iter();
                assert!(
                    words.any(|word| finds(word) && finds(&flat_value(word))),
                    "no value of {} is `{alternative}`: {expression}",
                    &found[1]
                );
                count += 1;
            }
        }
    }
    assert!(count > 20, "{count}");
}

/// The alternatives of a regular expression, except those in parentheses.
fn alternatives(expression: &str) -> Vec<&str> {
    if expression.contains('(') {
        vec![expression]
    } else {
        expression.split('|').collect()
    }
}
