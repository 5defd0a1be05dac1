use super::*;
use crate::catalog::catalog;
use crate::machine::{Contention, Machine};
use crate::results::{RequestSamples, Settings};
use crate::rows::Row;

/// A row whose slices cost these µs over HTTP/1.1.
fn measured(id: &str, cpu: [f64; 6]) -> MeasuredRow {
    let row = catalog().into_iter().find(|row: &Row| row.id() == id);
    let samples = RequestSamples {
        cpu: (0..).zip(cpu).collect(),
        latencies: vec![Latency {
            p50: 200.0,
            p99: 900.0,
        }],
    };
    MeasuredRow {
        row: row.expect("a row of the catalog"),
        starts: vec![Start {
            ready_milliseconds: 120.0,
            resident_kib: 51_200,
        }],
        requests: [(Protocol::Http1, samples)].into(),
    }
}

/// A small run.
pub(in crate::report) fn results() -> Results {
    Results {
        machine: Machine {
            cpu: "Test CPU".to_owned(),
            cpus: 2,
            memory_mib: 2_048,
            kernel: "6.1".to_owned(),
            envoy: "1.40.0".to_owned(),
            commit: "0123456789ab".to_owned(),
            date: "2026-12-01".to_owned(),
            module_bytes: 240_000,
        },
        settings: Settings {
            seed: 1,
            restarts: 1,
            rounds: 3,
            protocols: Protocol::ALL.to_vec(),
            slice_requests: 2_000,
            requests_per_second: 2_000,
            latency_milliseconds: 1_000,
        },
        contention: Contention::default(),
        rows: vec![
            measured("none/0", [40.0, 45.0, 50.0, 50.0, 55.0, 60.0]),
            measured("rbac-identity/1", [44.0, 49.0, 54.0, 54.0, 59.0, 64.0]),
            measured(
                "rbac-identity/1000",
                [1_040.0, 1_045.0, 1_050.0, 1_050.0, 1_055.0, 1_060.0],
            ),
            measured("floor-identity/1", [50.0, 55.0, 60.0, 60.0, 65.0, 70.0]),
            measured("peergate-identity/1", [52.0, 57.0, 62.0, 62.0, 67.0, 72.0]),
        ],
    }
}

/// The first row with this start.
fn row<'t>(table: &'t str, start: &str) -> &'t str {
    let mut lines = table.lines();
    lines.find(|line| line.starts_with(start)).expect("a row")
}

#[test]
fn compares_slices_of_the_same_round() {
    let table = cost_table(&results(), Protocol::Http1);
    assert_eq!(
        row(&table, "| no filter"),
        "| no filter | – | 50.0 [42.5 – 57.5] | 200 | 900 |"
    );
    // The baseline's slices differ, the differences do not.
    assert_eq!(
        row(&table, "| RBAC, identity | 1 |"),
        "| RBAC, identity | 1 | +4.0 [4.0 – 4.0] | 200 | 900 |"
    );
    assert_eq!(
        row(&table, "| RBAC, identity | 1,000 |"),
        "| RBAC, identity | 1,000 | +1000 [1000 – 1000] | 200 | 900 |"
    );
}

#[test]
fn few_rounds_have_no_interval() {
    let mut results = results();
    let samples = results.rows[1].requests.get_mut(&Protocol::Http1);
    samples.expect("samples").cpu.truncate(2);
    let table = cost_table(&results, Protocol::Http1);
    assert_eq!(
        row(&table, "| RBAC, identity | 1 |"),
        "| RBAC, identity | 1 | +4.0 [too few rounds] | 200 | 900 |"
    );
}

#[test]
fn rows_without_samples_stay_empty() {
    let table = cost_table(&results(), Protocol::Http2);
    assert_eq!(row(&table, "| no filter"), "| no filter | – | – | – | – |");
}

#[test]
fn memory_is_relative_to_the_baseline() {
    let mut results = results();
    results.rows[1].starts[0].resident_kib += 1_536;
    let table = resource_table(&results);
    assert_eq!(row(&table, "| no filter"), "| no filter | – | 50.0 | 120 |");
    assert_eq!(row(&table, "| RBAC"), "| RBAC, identity | 1 | +1.5 | 120 |");
}

#[test]
fn the_ratio_is_of_costs_over_the_baseline() {
    let table = floor_table(&results());
    assert_eq!(
        row(&table, "| identity"),
        "| identity | 1 | HTTP/1.1 | 12.0 | 10.0 | 1.20 |"
    );
}

#[test]
fn groups_digits() {
    assert_eq!(
        [1, 999, 1_000, 1_234_567].map(grouped),
        ["1", "999", "1,000", "1,234,567"]
    );
}
