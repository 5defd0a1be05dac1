//! A real Prometheus that has counters of days already.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use peergate_sandbox::wait::wait_for;
use peergate_sandbox::{Client, Request};
use tempfile::TempDir;

/// The end of the time that was counted.
pub(crate) const END: &str = "2026-05-08T00:00:00Z";
const END_SECONDS: u64 = 1_778_198_400;
const MINUTE: u64 = 60;
const WEEK: u64 = 7 * 24 * 60 * MINUTE;

/// A counter of the learning mode, as it was each minute of a week.
pub(crate) struct Counter {
    /// Its labels, all of them, as in the text format.
    pub(crate) labels: String,
    /// Its value at a minute of the week; none while it is not there.
    pub(crate) value: fn(u64) -> Option<u64>,
}

/// Ends with this value.
pub(crate) struct Prometheus {
    process: Child,
    pub(crate) url: String,
    _files: TempDir,
}

/// The folder with the server and `promtool`.
fn folder() -> PathBuf {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/prometheus");
    let folder = std::env::var_os("PEERGATE_PROMETHEUS").map_or(installed, PathBuf::from);
    assert!(
        folder.join("promtool").is_file(),
        "{} has no Prometheus: point PEERGATE_PROMETHEUS at a folder with `prometheus` and `promtool`",
        folder.display()
    );
    folder
}

impl Prometheus {
    pub(crate) fn with(counters: &[Counter]) -> Self {
        let files = tempfile::tempdir().unwrap();
        let samples = files.path().join("samples");
        std::fs::write(&samples, open_metrics(counters)).unwrap();
        let data = files.path().join("data");
        let made = Command::new(folder().join("promtool"))
            .args(["tsdb", "create-blocks-from", "openmetrics"])
            .args(["--max-block-duration", "192h"])
            .args([&samples, &data])
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let config = files.path().join("prometheus.yml");
        std::fs::write(&config, "global: {}\n").unwrap();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = port.local_addr().unwrap();
        drop(port);
        let process = Command::new(folder().join("prometheus"))
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", data.display()))
            .arg("--storage.tsdb.retention.time=100y")
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self {
            process,
            url: format!("http://{address}"),
            _files: files,
        };
        let client = Client::new(address).unwrap();
        let is_ready = || {
            let answer = client.send(&Request::get("/-/ready"));
            Ok(answer
                .is_ok_and(|answer| answer.status == 200)
                .then_some(()))
        };
        wait_for("Prometheus", Duration::from_secs(30), is_ready).unwrap();
        server
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
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
