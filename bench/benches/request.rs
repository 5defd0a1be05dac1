//! Measures what each way to enforce a policy costs in a real Envoy. `-- --help` lists the arguments.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints its results and its progress"
)]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Parser as _;
use peergate_bench::campaign::measure;
use peergate_bench::error::BenchError;
use peergate_bench::filters::Modules;
use peergate_bench::load::Protocol;
use peergate_bench::options::Options;
use peergate_bench::report::cost_table;
use peergate_bench::results::Settings;
use peergate_bench::rows::catalog;
use policy_schema::timestamp::Timestamp;

fn main() -> Result<(), BenchError> {
    // `cargo test` also starts benchmarks.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let options = Options::parse();
    if options.list {
        for row in catalog() {
            println!("{}: {}", row.id(), row.title);
        }
        return Ok(());
    }
    let rows = options.selected_rows()?;
    let settings = Settings {
        seed: options.seed,
        restarts: options.restarts,
        rounds: options.rounds,
        slice_requests: 2_000,
        requests_per_second: 2_000,
        latency_milliseconds: 1_000,
    };
    let modules = Modules {
        filter: options.filter,
        extra: options.module,
    };
    let limit = Duration::from_secs_f64(options.minutes * 60.0);
    let results = measure(rows, modules, &settings, today(), limit, |step| {
        eprintln!("{step}")
    })?;
    for protocol in Protocol::ALL {
        println!("{}\n\n{}", protocol.name(), cost_table(&results, protocol));
    }
    println!("{:?}", results.contention);
    for warning in results.contention.warnings() {
        println!("too busy to trust: {warning}");
    }
    Ok(())
}

/// The day, such as `2026-12-01`.
fn today() -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let nanoseconds = u64::try_from(now.as_nanos()).unwrap_or_default();
    let now = Timestamp::from_unix_nanoseconds(nanoseconds).to_string();
    now.split('T').next().unwrap_or_default().to_owned()
}
