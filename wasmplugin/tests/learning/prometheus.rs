//! A real Prometheus with counters of several days.

use std::fmt::Write as _;

use peergate_sandbox::{Prometheus, PrometheusTools};
use serde_json::json;
use tempfile::TempDir;

/// The end of the recorded week.
pub(crate) const END: &str = "2026-05-08T00:00:00Z";
const END_SECONDS: u64 = 1_778_198_400;
const MINUTE: u64 = 60;
const WEEK: u64 = 7 * 24 * 60 * MINUTE;

/// A learning mode counter with a value for each minute of a week.
pub(crate) struct Counter {
    /// All of its labels in the text format.
    pub(crate) labels: String,
    /// Its value at a minute of the week; `None` if there is no sample.
    pub(crate) value: fn(u64) -> Option<u64>,
}

/// The data folder, which must outlive the server, and a Prometheus with these counters.
pub(crate) fn with(counters: &[Counter]) -> (TempDir, Prometheus) {
    let files = tempfile::tempdir().unwrap();
    std::fs::write(files.path().join("samples"), open_metrics(counters)).unwrap();
    let tools = PrometheusTools::find();
    let blocks = ["tsdb", "create-blocks-from", "openmetrics"];
    let args = [
        &blocks[..],
        &["--max-block-duration", "192h", "samples", "data"],
    ]
    .concat();
    let made = tools.promtool(files.path(), &args).unwrap();
    assert!(made.status.success(), "{made:?}");
    let data = files.path().join("data");
    let server = Prometheus::start_with_data(&tools, &json!({}), &data).unwrap();
    (files, server)
}

fn open_metrics(counters: &[Counter]) -> String {
    let mut text = String::from("# TYPE peergate_observed_requests counter\n");
    for counter in counters {
        for minute in 0..=WEEK / MINUTE {
            if let Some(value) = (counter.value)(minute) {
                let at = END_SECONDS - WEEK + minute * MINUTE;
                let labels = &counter.labels;
                let _ = writeln!(
                    text,
                    "peergate_observed_requests_total{{{labels}}} {value} {at}"
                );
            }
        }
    }
    text.push_str("# EOF\n");
    text
}
