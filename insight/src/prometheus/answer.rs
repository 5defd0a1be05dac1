//! Parses Prometheus responses.

use std::collections::BTreeMap;

use http::StatusCode;
use policy_schema::timestamp::Timestamp;
use reqwest::Url;
use serde::Deserialize;
use serde_json::Value;

use super::error::PrometheusError;
use super::sample::Sample;

/// The maximum length of a quoted body, in characters.
const EXCERPT: usize = 80;

/// The envelope of every response.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status: Status,
    data: Option<Data>,
    error_type: Option<String>,
    error: Option<String>,
    #[serde(default)]
    warnings: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Success,
    Error,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    result_type: String,
    result: Value,
}

/// An element of a vector.
#[derive(Deserialize)]
struct Series {
    metric: BTreeMap<String, String>,
    value: Point,
}

/// Unix seconds, and a number as a string, because JSON has neither infinities nor NaN.
#[derive(Deserialize)]
struct Point(f64, String);

/// Parses the response to a query. `narrow_help` is the hint for a query that was too expensive.
pub(super) fn read(
    url: &Url,
    status: StatusCode,
    body: &[u8],
    query: &str,
    narrow_help: &'static str,
) -> Result<Vec<Sample>, PrometheusError> {
    let foreign = |reason: String| PrometheusError::NotPrometheus {
        url: url.clone(),
        status,
        reason,
    };
    let answer: Answer = serde_json::from_slice(body).map_err(|_| foreign(excerpt(body)))?;
    if matches!(answer.status, Status::Error) {
        let kind = answer.error_type.unwrap_or_default();
        return Err(PrometheusError::Refused {
            query: query.to_owned(),
            message: answer.error.unwrap_or_else(|| kind.clone()),
            narrow_help: matches!(kind.as_str(), "timeout" | "canceled" | "execution")
                .then_some(narrow_help),
        });
    }
    if !answer.warnings.is_empty() {
        return Err(PrometheusError::Partial(answer.warnings.join("; ")));
    }
    let data = answer
        .data
        .ok_or_else(|| foreign("a response without data".to_owned()))?;
    let misread = |reason: serde_json::Error| foreign(reason.to_string());
    let series = match data.result_type.as_str() {
        "vector" => serde_json::from_value::<Vec<Series>>(data.result).map_err(misread)?,
        "scalar" => vec![Series {
            metric: BTreeMap::new(),
            value: serde_json::from_value(data.result).map_err(misread)?,
        }],
        kind => {
            return Err(PrometheusError::UnexpectedType {
                query: query.to_owned(),
                kind: kind.to_owned(),
            });
        }
    };
    let samples = series.into_iter().map(|series| {
        let Point(seconds, value) = series.value;
        let number = || foreign(format!("expected a number, found `{value}`"));
        Ok(Sample {
            labels: series.metric,
            // Rust parses Prometheus' `+Inf` and `NaN`.
            value: value.parse().map_err(|_| number())?,
            at: moment(seconds),
        })
    });
    samples.collect()
}

/// Milliseconds are Prometheus' precision.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates"
)]
fn moment(seconds: f64) -> Timestamp {
    let milliseconds = (seconds * 1000.0).round() as u64;
    Timestamp::from_unix_nanoseconds(milliseconds.saturating_mul(1_000_000))
}

fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text: Vec<_> = text.split_whitespace().collect();
    // Control characters could move the cursor of a terminal.
    let text = text.join(" ").replace(char::is_control, "");
    if text.is_empty() {
        return "an empty body".to_owned();
    }
    let mut shown: String = text.chars().take(EXCERPT).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("`{shown}`")
}
