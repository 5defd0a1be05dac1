//! Measures what each way to enforce a policy costs in a real Envoy. `-- --help` lists the arguments.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints its results and its progress"
)]

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Parser as _;
use peergate_bench::campaign::measure;
use peergate_bench::catalog::catalog;
use peergate_bench::error::BenchError;
use peergate_bench::filters::Modules;
use peergate_bench::options::Options;
use peergate_bench::report::{DATA, Document, cost_table, documents};
use peergate_bench::results::{Results, Settings};
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
    let results = match &options.write {
        Some(docs) if options.render => read(docs)?,
        _ => run(&options)?,
    };
    for &protocol in &results.settings.protocols {
        println!("{}\n\n{}", protocol.name(), cost_table(&results, protocol));
    }
    for warning in results.contention.warnings() {
        eprintln!("the machine was too busy to trust this run: {warning}");
    }
    options.write.map_or(Ok(()), |docs| write(&results, &docs))
}

fn run(options: &Options) -> Result<Results, BenchError> {
    let settings = Settings {
        seed: options.seed,
        restarts: options.restarts,
        rounds: options.rounds,
        protocols: options.protocols.clone(),
        slice_requests: 2_000,
        requests_per_second: 2_000,
        latency_milliseconds: options.latency_ms,
    };
    let modules = Modules {
        filter: options.filter.clone(),
        extra: options.module.clone(),
    };
    let limit = Duration::from_secs_f64(options.minutes * 60.0);
    let rows = options.selected_rows()?;
    measure(rows, modules, settings, today(), limit, |step| {
        eprintln!("{step}");
    })
}

fn read(docs: &Path) -> Result<Results, BenchError> {
    let path = docs.join(DATA);
    let text = fs::read_to_string(&path).map_err(BenchError::file(&path))?;
    Ok(serde_json::from_str(&text)?)
}

fn write(results: &Results, docs: &Path) -> Result<(), BenchError> {
    let data = Document {
        path: DATA,
        text: serde_json::to_string(results)? + "\n",
    };
    for document in documents(results)?.into_iter().chain([data]) {
        let path = docs.join(document.path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(BenchError::file(folder))?;
        }
        fs::write(&path, document.text).map_err(BenchError::file(&path))?;
        eprintln!("wrote {}", path.display());
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
