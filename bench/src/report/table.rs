//! Tables in Markdown.

use crate::policies::Shape;
use crate::protocol::Protocol;
use crate::results::{Latency, MeasuredRow, Results, Start};
use crate::rows::Enforcement;
use crate::statistics::{Estimate, Interval, median};

const MISSING: &str = "–";

/// CPU time and latency of all rows with one HTTP version.
pub fn cost_table(results: &Results, protocol: Protocol) -> String {
    let header = "| enforcement | rules | CPU, µs [95 %] | p50, µs | p99, µs |\n\
                  | --- | --: | --: | --: | --: |\n";
    let rows = results.rows.iter().map(|measured| {
        let samples = measured.requests.get(&protocol);
        let latency = |of: fn(&Latency) -> f64| {
            let latencies = samples.map_or(&[][..], |samples| &samples.latencies);
            typical(latencies, of, 0)
        };
        format!(
            "| {} | {} | {} | {} | {} |\n",
            measured.row.title,
            rules(measured),
            cpu(results, measured, protocol),
            latency(|it| it.p50),
            latency(|it| it.p99),
        )
    });
    header.to_owned() + &rows.collect::<String>()
}

/// Memory and start of all rows.
pub(super) fn resource_table(results: &Results) -> String {
    let header = "| enforcement | rules | memory, MiB | ready, ms |\n| --- | --: | --: | --: |\n";
    let baseline = results
        .baseline()
        .and_then(|row| median(&values(&row.starts, resident_mib)))
        .unwrap_or_default();
    let rows = results.rows.iter().enumerate().map(|(position, measured)| {
        let memory = median(&values(&measured.starts, resident_mib));
        let memory = memory.map_or_else(
            || MISSING.to_owned(),
            |memory| match position {
                0 => format!("{memory:.1}"),
                _ => format!("{:+.1}", memory - baseline),
            },
        );
        format!(
            "| {} | {} | {memory} | {} |\n",
            measured.row.title,
            rules(measured),
            typical(&measured.starts, |start| start.ready_milliseconds, 0),
        )
    });
    header.to_owned() + &rows.collect::<String>()
}

/// Peergate's cost as a multiple of the hand-written filter's.
pub(super) fn floor_table(results: &Results) -> String {
    let header = "| rules test | rules | HTTP | Peergate, µs | hand-written Wasm, µs | ratio |\n\
                  | --- | --: | --- | --: | --: | --: |\n";
    let kinds = Shape::ALL
        .into_iter()
        .flat_map(|shape| Protocol::ALL.map(|protocol| (shape, protocol)));
    let rows = kinds.flat_map(|(shape, protocol)| {
        let of = |enforcement| {
            let rows = results.rows.iter();
            rows.filter(move |measured| measured.row.is_allowed_by(enforcement, shape))
        };
        let cost = move |measured| median(&results.over_baseline(measured, protocol));
        let floor = of(Enforcement::Floor).next().and_then(cost);
        of(Enforcement::Peergate).filter_map(move |measured| {
            let (cost, floor) = (cost(measured)?, floor?);
            Some(format!(
                "| {} | {} | {} | {cost:.1} | {floor:.1} | {:.2} |\n",
                shape.name(),
                rules(measured),
                protocol.name(),
                cost / floor
            ))
        })
    });
    header.to_owned() + &rows.collect::<String>()
}

/// The cost over the baseline; of the baseline, the CPU time itself.
fn cpu(results: &Results, measured: &MeasuredRow, protocol: Protocol) -> String {
    let is_baseline = results.baseline().is_some_and(|it| it.row == measured.row);
    let (values, sign) = if is_baseline {
        let samples = measured.requests.get(&protocol);
        let cpu = samples.map_or(&[][..], |samples| &samples.cpu);
        (values(cpu, |(_, cpu)| *cpu), "")
    } else {
        (results.over_baseline(measured, protocol), "+")
    };
    Estimate::of(&values).map_or_else(|| MISSING.to_owned(), |estimate| show(estimate, sign))
}

/// One digit after the point for small values: the next one is noise.
fn show(Estimate { median, interval }: Estimate, sign: &str) -> String {
    let sign = if median < 0.0 { "" } else { sign };
    let digits = usize::from(median < 100.0);
    let interval = interval.map_or_else(
        || "too few rounds".to_owned(),
        |Interval { low, high }| format!("{low:.digits$} – {high:.digits$}"),
    );
    format!("{sign}{median:.digits$} [{interval}]")
}

/// The median over all restarts.
fn typical<T>(items: &[T], of: impl Fn(&T) -> f64, digits: usize) -> String {
    let median = median(&values(items, of));
    median.map_or_else(|| MISSING.to_owned(), |value| format!("{value:.digits$}"))
}

fn values<T>(items: &[T], of: impl Fn(&T) -> f64) -> Vec<f64> {
    items.iter().map(of).collect()
}

#[expect(clippy::cast_precision_loss, reason = "memory is less than 2^52 KiB")]
fn resident_mib(start: &Start) -> f64 {
    start.resident_kib as f64 / 1024.0
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

#[cfg(test)]
pub(super) mod tests;
