//! Tables in Markdown.

use crate::load::Protocol;
use crate::results::{MeasuredRow, RequestSamples, Results};
use crate::statistics::{Estimate, median};

const MISSING: &str = "–";

/// CPU time and latency of all rows with one HTTP version.
pub fn cost_table(results: &Results, protocol: Protocol) -> String {
    let mut table = "| enforcement | rules | CPU, µs [95 %] | p50, µs | p99, µs |
| --- | --: | --: | --: | --: |
"
    .to_owned();
    for measured in &results.rows {
        let samples = measured.requests.get(&protocol);
        let latency = |of: fn(&crate::results::Latency) -> f64| {
            let values: Vec<f64> = samples
                .into_iter()
                .flat_map(|it| &it.latencies)
                .map(of)
                .collect();
            median(&values).map_or_else(|| MISSING.to_owned(), |value| format!("{value:.0}"))
        };
        table += &format!(
            "| {} | {} | {} | {} | {} |\n",
            measured.row.title,
            rules(measured),
            cpu(results, measured, protocol),
            latency(|it| it.p50),
            latency(|it| it.p99),
        );
    }
    table
}

/// The cost over the baseline; of the baseline, the CPU time itself.
fn cpu(results: &Results, measured: &MeasuredRow, protocol: Protocol) -> String {
    let is_baseline = results.baseline().is_some_and(|it| it.row == measured.row);
    let values = if is_baseline {
        let own = |samples: &RequestSamples| samples.cpu.iter().map(|(_, cpu)| *cpu).collect();
        measured.requests.get(&protocol).map_or_else(Vec::new, own)
    } else {
        results.over_baseline(measured, protocol)
    };
    let sign = if is_baseline { "" } else { "+" };
    Estimate::of(&values).map_or_else(|| MISSING.to_owned(), |estimate| show(estimate, sign))
}

/// One digit after the point for small values: the next one is noise.
fn show(Estimate { median, low, high }: Estimate, sign: &str) -> String {
    let sign = if median < 0.0 { "" } else { sign };
    if median < 100.0 {
        format!("{sign}{median:.1} [{low:.1} – {high:.1}]")
    } else {
        format!("{sign}{median:.0} [{low:.0} – {high:.0}]")
    }
}

fn rules(measured: &MeasuredRow) -> String {
    match measured.row.rules {
        0 => MISSING.to_owned(),
        rules => grouped(rules),
    }
}

/// A number with commas between groups of three digits.
pub(super) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
