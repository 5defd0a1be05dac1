//! The data of one run, as kept in `docs/data/requests.json`. The report is a function of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::machine::{Contention, Machine};
use crate::protocol::Protocol;
use crate::rows::Row;

/// Everything that a run has measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Results {
    /// Where it ran.
    pub machine: Machine,
    /// How it ran.
    pub settings: Settings,
    /// What else the machine did.
    pub contention: Contention,
    /// The rows, the baseline first.
    pub rows: Vec<MeasuredRow>,
}

/// How a run measures.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// The seed of the random order.
    pub seed: u64,
    /// How often all proxies are started anew.
    pub restarts: u32,
    /// The maximum number of rounds, over all restarts.
    pub rounds: u32,
    /// The HTTP versions.
    pub protocols: Vec<Protocol>,
    /// The number of requests in a slice.
    pub slice_requests: usize,
    /// The fixed rate at which latency is measured.
    pub requests_per_second: u32,
    /// The duration of each latency measurement.
    pub latency_milliseconds: u64,
}

/// The measurements of a row.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MeasuredRow {
    /// The row.
    pub row: Row,
    /// One for each restart.
    pub starts: Vec<Start>,
    /// By HTTP version.
    pub requests: BTreeMap<Protocol, RequestSamples>,
}

/// The start of a proxy.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Start {
    /// From the start of the process to the first answer.
    pub ready_milliseconds: f64,
    /// The resident memory after the warm-up.
    pub resident_kib: u64,
}

/// Measurements with one HTTP version.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestSamples {
    /// The number of the round, and the proxy's CPU time per request in µs.
    pub cpu: Vec<(u32, f64)>,
    /// One for each restart. Empty if the proxy cannot serve the fixed rate.
    pub latencies: Vec<Latency>,
}

/// Latencies at the fixed rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Latency {
    /// The median, in µs.
    pub p50: f64,
    /// In µs.
    pub p99: f64,
}

impl Results {
    /// The row without a filter.
    pub fn baseline(&self) -> Option<&MeasuredRow> {
        self.rows.first()
    }

    /// CPU time per request in µs over the same round's baseline, one value for each round that has both.
    pub fn over_baseline(&self, measured: &MeasuredRow, protocol: Protocol) -> Vec<f64> {
        let samples = |row: &MeasuredRow| row.requests.get(&protocol).map(|it| it.cpu.clone());
        let baseline: BTreeMap<u32, f64> = self
            .baseline()
            .and_then(samples)
            .unwrap_or_default()
            .into_iter()
            .collect();
        let of_row = samples(measured).unwrap_or_default();
        of_row
            .into_iter()
            .filter_map(|(round, cpu)| Some(cpu - baseline.get(&round)?))
            .collect()
    }
}
