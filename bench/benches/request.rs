//! Measures the CPU time that the filter adds per request in Envoy, compared with the same proxy
//! without a filter in the same run. Prints a table; run `cargo bench -p peergate-bench --bench
//! request`.
//!
//! Variants alternate in short slices, so that other load affects all of them alike. Uses the
//! scheduler's nanoseconds (`/proc/PID/task/*/schedstat`), because the ticks in `/proc/PID/stat`
//! are too coarse.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and ends when it cannot be set up"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use peergate_sandbox::{Client, Leaf, Request, Service};
use policy_schema::envoy::wasm_filter;
use policy_schema::policy::FilterFailure;
use serde_json::{Value, json};

const WEB: &str = "spiffe://cluster.local/ns/shop/sa/web";

/// The number of requests per connection and slice, and of slices per variant.
const REQUESTS: usize = 150;
const ROUNDS: usize = 40;

/// The number of concurrent connections: a proxy that wakes up for each request has a higher cost
/// by itself.
const CONNECTIONS: usize = 16;

/// A proxy with or without the filter.
struct Variant {
    name: &'static str,
    service: Service,
    client: Client,
    /// CPU time per request of each slice, in microseconds.
    costs: Vec<f64>,
}

fn config(reporting: &Value) -> String {
    let config = json!({
        "apiVersion": "peergate.dev/v1alpha1",
        "mesh": {"trustDomain": "cluster.local"},
        "policy": {"namespace": "shop", "name": "orders"},
        "reporting": reporting,
        "rules": [
            {"id": "web", "effect": "Allow", "from": [{"serviceAccounts": ["web"]}],
             "to": [{"methods": ["GET"], "paths": ["/orders"]}]},
        ],
    });
    config.to_string()
}

/// The module built by `make filter`.
fn module(name: &str) -> PathBuf {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/filter/peergate_filter.wasm");
    let module = std::env::var_os("PEERGATE_FILTER").map_or(built, PathBuf::from);
    module.with_file_name(name)
}

fn main() {
    // `cargo test` also builds and starts benchmarks.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let plain = || module("peergate_filter.wasm");
    let variants = [
        ("no filter", None),
        ("the filter", Some((plain(), json!({})))),
        (
            "it compares with RBAC",
            Some((module("peergate_filter_comparing.wasm"), json!({}))),
        ),
        (
            "`accessLog: All`",
            Some((plain(), json!({"accessLog": "All"}))),
        ),
        (
            "`upstreamHeader: true`",
            Some((plain(), json!({"upstreamHeader": true}))),
        ),
        ("`learning: {}`", Some((plain(), json!({"learning": {}})))),
    ];
    let mut variants: Vec<Variant> = variants
        .into_iter()
        .map(|(name, filter)| {
            let filter = filter.map(|(module, reporting)| {
                let module = module.to_str().expect("a name in UTF-8");
                wasm_filter(
                    "shop/orders",
                    config(&reporting),
                    module,
                    FilterFailure::Deny,
                )
            });
            let filter = filter.map(|filter| serde_json::to_value(filter).expect("JSON"));
            start(name, filter)
        })
        .collect();
    for round in 0..=ROUNDS {
        let count = variants.len();
        for position in 0..count {
            if let Some(variant) = variants.get_mut((position + round) % count) {
                let cost = slice(variant);
                // The first round is a warm-up.
                if round > 0 {
                    variant.costs.push(cost);
                }
            }
        }
    }
    report(&variants);
}

fn start(name: &'static str, filter: Option<Value>) -> Variant {
    let own = Leaf::spiffe("spiffe://cluster.local/ns/shop/sa/orders");
    let service = Service::start(&own, |mut sidecar, _| {
        sidecar.http_filters = filter.into_iter().collect();
        sidecar.bootstrap()
    });
    let service = service.expect("a running Envoy; `make bench` installs one");
    let client = service.client_as(WEB).expect("a client");
    Variant {
        name,
        service,
        client,
        costs: Vec::new(),
    }
}

/// CPU time per request of one slice, in microseconds.
fn slice(variant: &Variant) -> f64 {
    let connections: Vec<_> = (0..CONNECTIONS)
        .map(|_| variant.client.connect().expect("a connection"))
        .collect();
    let before = cpu_nanoseconds(variant.service.envoy.pid());
    thread::scope(|scope| {
        for mut connection in connections {
            scope.spawn(move || {
                let request = Request::get("/orders");
                for _ in 0..REQUESTS {
                    let response = connection.send(&request).expect("a response");
                    assert_eq!(response.status, 200, "{response:?}");
                }
            });
        }
    });
    let spent = cpu_nanoseconds(variant.service.envoy.pid()) - before;
    let requests = u32::try_from(CONNECTIONS * REQUESTS).unwrap_or(u32::MAX);
    spent / 1_000.0 / f64::from(requests)
}

fn cpu_nanoseconds(pid: u32) -> f64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("Linux's /proc");
    let times = tasks.filter_map(|task| {
        let text = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<f64>().ok()
    });
    times.sum()
}

fn report(variants: &[Variant]) {
    let baseline = variants.first().map(|variant| variant.costs.as_slice());
    let baseline = baseline.unwrap_or_default();
    println!("| variant | µs of CPU over no filter, median | half of the rounds between |");
    println!("| --- | --- | --- |");
    for Variant { name, costs, .. } in variants.iter().skip(1) {
        let mut over: Vec<f64> = costs
            .iter()
            .zip(baseline)
            .map(|(cost, base)| cost - base)
            .collect();
        over.sort_by(f64::total_cmp);
        let at = |share: usize| {
            over.get(over.len() * share / 100)
                .copied()
                .unwrap_or_default()
        };
        println!(
            "| {name} | {:.1} | {:.1} and {:.1} |",
            at(50),
            at(25),
            at(75)
        );
    }
}
