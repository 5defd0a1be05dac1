//! A real Prometheus that scrapes one proxy, five times a second.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use peergate_sandbox::wait::wait_for;
use peergate_sandbox::{Client, Request};
use serde_json::{Value, json};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);

/// A running Prometheus. It is killed when dropped.
pub(crate) struct Prometheus {
    process: Child,
    address: SocketAddr,
    folder: TempDir,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The server in the folder that `scripts/prometheus` prints.
fn program() -> PathBuf {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/prometheus");
    let folder = std::env::var_os("PEERGATE_PROMETHEUS").map_or(installed, PathBuf::from);
    folder.join("prometheus")
}

impl Prometheus {
    /// Starts one, and returns once it has looked at the proxy several times.
    pub(crate) fn scraping(proxy: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = json!({
            "global": {"scrape_interval": "200ms", "scrape_timeout": "200ms"},
            "scrape_configs": [{
                "job_name": "proxies",
                "metrics_path": "/stats/prometheus",
                "static_configs": [{"targets": [proxy.to_string()]}],
            }],
        });
        let file = folder.path().join("prometheus.yml");
        fs::write(&file, config.to_string()).unwrap();
        // It cannot be told to take any port and say which.
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let log = File::create(folder.path().join("log")).unwrap();
        let process = Command::new(program())
            .arg(format!("--config.file={}", file.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.path().join("data").display()
            ))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|reason| {
                panic!("{reason}: PEERGATE_PROMETHEUS is to name a folder with prometheus; `make test` does")
            });
        let mut prometheus = Self {
            process,
            address,
            folder,
        };
        prometheus.wait_for("count_over_time(peergate_decisions_total[1m]) >= 5");
        prometheus
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until a query gives something.
    pub(crate) fn wait_for(&mut self, query: &str) {
        wait_for(query, PATIENCE, || {
            if self.process.try_wait().unwrap().is_some() {
                let log = fs::read_to_string(self.folder.path().join("log")).unwrap();
                panic!("Prometheus has ended: {log}");
            }
            Ok(self.has(query).then_some(()))
        })
        .unwrap();
    }

    fn has(&self, query: &str) -> bool {
        let encoded: String = query.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let request = Request::get(&format!("/api/v1/query?query={encoded}"));
        // It does not listen at once.
        let Ok(answer) = Client::new(self.address).unwrap().send(&request) else {
            return false;
        };
        let answer: Value = serde_json::from_str(&answer.text()).unwrap_or_default();
        answer["data"]["result"]
            .as_array()
            .is_some_and(|result| !result.is_empty())
    }
}
