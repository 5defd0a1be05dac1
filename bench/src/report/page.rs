//! The documents that a run writes.

use crate::error::BenchError;
use crate::policies::Shape;
use crate::protocol::Protocol;
use crate::report::chart::cost_by_rules;
use crate::report::table::{cost_table, floor_table, grouped, resource_table};
use crate::results::Results;

/// The page, with places for what a run fills in.
const TEMPLATE: &str = include_str!("performance.md");

/// The path of the raw data within the documentation's folder.
pub const DATA: &str = "data/requests.json";

/// A file in the documentation's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The path within the folder.
    pub path: &'static str,
    /// The text.
    pub text: String,
}

/// The page and its charts.
pub fn documents(results: &Results) -> Result<[Document; 3], BenchError> {
    Ok([
        Document {
            path: "performance.md",
            text: page(results),
        },
        Document {
            path: "pictures/cost-identity.svg",
            text: cost_by_rules(results, Shape::Identity)?,
        },
        Document {
            path: "pictures/cost-request.svg",
            text: cost_by_rules(results, Shape::Request)?,
        },
    ])
}

fn page(results: &Results) -> String {
    let settings = &results.settings;
    let rounds = results
        .baseline()
        .and_then(|row| row.requests.get(&Protocol::Http1))
        .map_or(0, |samples| samples.cpu.len());
    let values = [
        ("trust", trust(results)),
        ("machine", machine(results)),
        ("floor", floor_table(results)),
        ("http1", cost_table(results, Protocol::Http1)),
        ("http2", cost_table(results, Protocol::Http2)),
        ("resources", resource_table(results)),
        ("rounds", rounds.to_string()),
        ("restarts", settings.restarts.to_string()),
        ("slice", grouped(settings.slice_requests)),
        ("rate", grouped(settings.requests_per_second as usize)),
        ("latency", settings.latency_milliseconds.to_string()),
        (
            "module-kb",
            results.machine.module_bytes.div_ceil(1_000).to_string(),
        ),
    ];
    let page = values
        .iter()
        .fold(TEMPLATE.to_owned(), |page, (name, value)| {
            page.replace(&format!("{{{{{name}}}}}"), value.trim_end())
        });
    format!(
        "<!-- `make bench` writes this page from bench/src/report/performance.md. -->\n\n{page}"
    )
}

/// Whether the machine was quiet.
fn trust(results: &Results) -> String {
    let warnings = results.contention.warnings();
    if warnings.is_empty() {
        let contention = &results.contention;
        return format!(
            "The machine was quiet: other processes had the CPU of the proxies for {:.1} % of their CPU time, and the middle half of \
             the slices without a filter spreads over {:.1} % of their median.",
            contention.proxies_waiting * 100.0,
            contention.baseline_spread * 100.0
        );
    }
    let reasons: Vec<String> = warnings
        .iter()
        .map(|reason| format!("> - {reason}"))
        .collect();
    format!(
        "> **The machine was too busy to trust this run:**\n>\n{}",
        reasons.join("\n")
    )
}

fn machine(results: &Results) -> String {
    let machine = &results.machine;
    format!(
        "| | |\n| --- | --- |\n| CPU | {}, {} CPUs |\n| memory | {} MiB |\n| kernel | Linux {} |\n| Envoy | {} |\n| Peergate | {} |\n| date | {} |\n",
        machine.cpu,
        machine.cpus,
        grouped(usize::try_from(machine.memory_mib).unwrap_or(usize::MAX)),
        machine.kernel,
        machine.envoy,
        machine.commit,
        machine.date,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::table::tests::results;

    #[test]
    fn fills_every_place_of_the_template() {
        let page = page(&results());
        assert!(!page.contains("{{"), "{page}");
        assert!(page.contains("Test CPU"), "{page}");
    }

    #[test]
    fn states_whether_the_machine_was_quiet() {
        let mut results = results();
        assert!(trust(&results).starts_with("The machine was quiet"));
        results.contention.stolen = 0.5;
        assert!(trust(&results).contains("too busy to trust"));
    }
}
