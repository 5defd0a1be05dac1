//! The cost of one request in each scenario, after another one of the same kind.

use crate::counts::Counts;
use crate::exchange::Answer;
use crate::golden::{assert_figures, assert_text};
use crate::programs::program;
use crate::request::sidecar;
use crate::scenario::{Scenario, all};
use crate::table::Table;
use crate::tolerance::Figures;
use crate::vm::{Program, Vm};

/// The golden file with one row for each scenario.
pub(crate) const GOLDEN: &str = "requests";

const HEADINGS: [&str; 9] = [
    "request",
    "answer",
    "callbacks",
    "host calls",
    "buffers",
    "bytes in",
    "bytes out",
    "allocations",
    "by name",
];

const DESCRIPTION: &str = "Counts of one request, after another one of the same kind. \
    Buffers: the proxy's calls for memory, one for each host call that returns data. \
    Allocations include those for buffers over 512 bytes.";

const FUEL_HEADINGS: [&str; 5] = [
    "request",
    "fuel",
    "context_create",
    "request_headers",
    "other callbacks",
];

const FUEL_DESCRIPTION: &str = "Instructions that one request executes, by callback.";

/// Runs a scenario in a module.
pub(crate) fn measured(program: &Program, scenario: &Scenario) -> (Answer, Counts) {
    let mut request = scenario.request.clone();
    if let Some(leader) = &scenario.leader {
        let mut leading = Vm::start(program, sidecar());
        let (root, _) = leading.configure(leader);
        let answer = leading.send(root, &request);
        assert_eq!(answer.status, None, "{}", scenario.name);
        request = answer.request;
    }
    let mut vm = Vm::start(program, sidecar());
    let (root, accepted) = vm.configure(&scenario.config);
    assert_eq!(accepted, !scenario.config.is_empty(), "{:?}", vm.warnings());
    vm.send(root, &request);
    let before = vm.counts();
    let answer = vm.send(root, &request);
    (answer, &vm.counts() - &before)
}

/// The rows of the table with these results.
pub(crate) fn table(results: &[(&Scenario, Answer, Counts)]) -> Table {
    let mut table = Table::new(&HEADINGS);
    for (scenario, answer, counts) in results {
        let status = answer.status.map(|status| status.to_string());
        let mut outcome = vec![status.unwrap_or_else(|| "passes".to_owned())];
        outcome.extend(answer.reasons.iter().cloned());
        table.push(vec![
            scenario.name.to_owned(),
            outcome.join(" "),
            counts.callbacks.total().to_string(),
            counts.host_calls.total().to_string(),
            counts.buffers.to_string(),
            counts.bytes_in.to_string(),
            counts.bytes_out.to_string(),
            counts.allocations.to_string(),
            format!("{}; {}", counts.callbacks, counts.host_calls),
        ]);
    }
    table
}

/// A row of the golden file with fuel.
fn fuel((scenario, _, counts): &(&Scenario, Answer, Counts)) -> (String, Vec<u64>) {
    let total = counts.fuel.total();
    let create = counts.fuel.get("proxy_on_context_create");
    let headers = counts.fuel.get("proxy_on_request_headers");
    let figures = vec![total, create, headers, total - create - headers];
    (scenario.name.to_owned(), figures)
}

#[test]
fn requests_cost_what_the_golden_files_say() {
    let scenarios = all();
    let results: Vec<_> = scenarios
        .iter()
        .map(|scenario| {
            let (answer, counts) = measured(program(scenario.module), scenario);
            (scenario, answer, counts)
        })
        .collect();
    let fuel = Figures {
        headings: FUEL_HEADINGS.to_vec(),
        rows: results.iter().map(fuel).collect(),
    };
    let text = table(&results).lines().join("\n");
    assert_text(GOLDEN, &text, DESCRIPTION);
    assert_figures("requests_fuel", &fuel, FUEL_DESCRIPTION);
}
