use serde_json::{Value, json};

use super::*;
use crate::problem::Cursor;

/// The problems of the settings, each as `PLACE [CODE]`.
fn problems(reporting: &Value) -> Vec<String> {
    let spec: ReportingSpec = serde_json::from_value(reporting.clone()).unwrap();
    let mut problems = Problems::default();
    spec.check(&Cursor::Root.key("reporting"), &mut problems);
    let problems = problems.into_vec().into_iter();
    problems
        .map(|problem| format!("{} [{}]", problem.location, problem.code))
        .collect()
}

#[test]
fn defaults_disclose_least() {
    let mut problems = Problems::default();
    let silent = ReportingSpec::default().check(&Cursor::Root, &mut problems);
    assert_eq!(
        silent,
        Reporting {
            upstream_header: UpstreamHeader::Ignored,
            metric_names: MetricNames::Labelled,
            access_log: ReportedRequests::Denied,
            documentation: None,
            contact: None,
            to_mesh: Disclosure::NearestRule,
            to_strangers: Disclosure::Decision,
            lines_per_second: 10,
            max_learned_series: None,
        }
    );
    assert_eq!(problems.count(), 0);
}

#[test]
fn accepts_valid_settings() {
    for reporting in [
        json!({}),
        json!({"learning": {}}),
        json!({"learning": {"maxSeries": 1}}),
        json!({"learning": {"maxSeries": 10_000}, "metricNames": "Labelled"}),
        json!({"log": {"linesPerSecond": 0}}),
        json!({"log": {"linesPerSecond": 1_000}}),
        json!({"denials": {"documentation": "https://docs.example/a?b=c", "contact": "#mesh-hälp"}}),
        json!({"denials": {"toMesh": "Decision", "toStrangers": "NearestRule"}}),
    ] {
        assert_eq!(problems(&reporting), [""; 0], "{reporting}");
    }
}

#[test]
fn reports_invalid_settings_at_their_location() {
    let long = "x".repeat(300);
    let long_page = format!("https://docs.example/{long}");
    for (reporting, place) in [
        (
            json!({"learning": {"maxSeries": 0}}),
            "reporting.learning.maxSeries [invalid-value]",
        ),
        (
            json!({"learning": {"maxSeries": 10_001}}),
            "reporting.learning.maxSeries [invalid-value]",
        ),
        (
            json!({"learning": {}, "metricNames": "Flat"}),
            "reporting.learning [exclusive-fields]",
        ),
        (
            json!({"log": {"linesPerSecond": 1_001}}),
            "reporting.log.linesPerSecond [invalid-value]",
        ),
        (
            json!({"denials": {"contact": " "}}),
            "reporting.denials.contact [invalid-value]",
        ),
        (
            json!({"denials": {"contact": "a\nb"}}),
            "reporting.denials.contact [invalid-value]",
        ),
        (
            json!({"denials": {"contact": long}}),
            "reporting.denials.contact [invalid-value]",
        ),
    ] {
        assert_eq!(problems(&reporting), [place], "{reporting}");
    }
    for page in [
        "",
        "https://",
        "http://docs.example",
        "javascript:alert(1)",
        "https://docs.example/#a",
        "https://docs.example/a b",
        "https://docs.example/\"",
        &long_page,
    ] {
        let reporting = json!({"denials": {"documentation": page}});
        assert_eq!(
            problems(&reporting),
            ["reporting.denials.documentation [invalid-value]"],
            "{page}"
        );
    }
}

#[test]
fn rejects_unknown_fields() {
    for reporting in [
        json!({"metricNames": "flat"}),
        json!({"learn": {}}),
        json!({"denials": {"to": "Reason"}}),
        json!({"log": {"linesPerSecond": -1}}),
    ] {
        serde_json::from_value::<ReportingSpec>(reporting).unwrap_err();
    }
}
