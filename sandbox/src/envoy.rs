//! Finds, starts, monitors and stops an Envoy process.

mod binary;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

pub use self::binary::EnvoyBinary;
use self::binary::PROGRAM;
use crate::process::Process;
use crate::wait::{TIMEOUT, wait_for};
use crate::{CallError, Client, Error, Request, Response};

/// A running Envoy. It is killed when dropped, and when this process ends in any way.
#[derive(Debug)]
pub struct Envoy {
    // Declared before the directory, because fields are dropped in order.
    process: Process,
    dir: TempDir,
    admin: Client,
    admin_addr: SocketAddr,
    listeners: Vec<(String, SocketAddr)>,
}

impl Envoy {
    /// Starts Envoy with a bootstrap and returns once all its listeners accept connections.
    ///
    /// # Errors
    ///
    /// [`Error::Exited`] if Envoy exits, with the end of its log. [`Error::Timeout`] if it is not ready within [`TIMEOUT`].
    pub fn start(binary: &EnvoyBinary, bootstrap: &Value) -> Result<Self, Error> {
        let dir = TempDir::with_prefix("peergate-envoy-")
            .map_err(Error::io("make a temporary directory"))?;
        let config = binary::write_bootstrap(dir.path(), bootstrap)?;
        let admin_address = dir.path().join("admin");

        let mut command = binary.command();
        command
            .arg("--config-path")
            .arg(&config)
            .arg("--admin-address-path")
            .arg(&admin_address)
            .args(["--concurrency", "1"])
            .args(["--log-level", "info"])
            // Flush access logs within 50 ms.
            .args(["--file-flush-interval-msec", "50"]);
        let mut process = Process::spawn(PROGRAM, command, &dir.path().join("log"))?;

        let addr = wait_for("Envoy's admin interface", TIMEOUT, || {
            process.check()?;
            Ok(read_address(&admin_address))
        })?;
        let admin = Client::new(addr)?;
        wait_for("Envoy to be ready", TIMEOUT, || {
            process.check()?;
            Ok(is_ready(&admin)?.then_some(()))
        })?;
        let listeners = listeners(&admin)?;
        Ok(Self {
            process,
            dir,
            admin,
            admin_addr: addr,
            listeners,
        })
    }

    /// The address of the admin endpoint.
    pub fn admin_addr(&self) -> SocketAddr {
        self.admin_addr
    }

    /// The address of the listener `name`.
    pub fn listener(&self, name: &str) -> Result<SocketAddr, Error> {
        self.listeners
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, addr)| *addr)
            .ok_or_else(|| Error::NoListener(name.into()))
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// The temporary directory with the bootstrap and the log. It is deleted when dropped.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The log so far.
    pub fn log(&self) -> Result<String, Error> {
        self.process.log()
    }

    /// Waits up to `limit` for a log line that contains `text`, and returns the first such line.
    pub fn wait_for_log(&mut self, text: &str, limit: Duration) -> Result<String, Error> {
        let process = &mut self.process;
        wait_for(&format!("{text:?} in Envoy's log"), limit, || {
            let log = process.log()?;
            match log.lines().find(|line| line.contains(text)) {
                Some(line) => Ok(Some(line.to_owned())),
                None => process.check().map(|()| None),
            }
        })
    }

    /// The body of a successful `GET` from the admin endpoint.
    pub fn admin_get(&self, path: &str) -> Result<String, Error> {
        admin(&self.admin, "GET", path)
    }

    /// The body of a successful `POST` to the admin endpoint.
    pub fn admin_post(&self, path: &str) -> Result<String, Error> {
        admin(&self.admin, "POST", path)
    }

    /// The metrics in Prometheus' text format.
    pub fn stats(&self) -> Result<String, Error> {
        self.admin_get("/stats/prometheus")
    }
}

/// The address that Envoy has written to `path`. None if it has not written it yet.
fn read_address(path: &Path) -> Option<SocketAddr> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// Whether all listeners accept connections. `/ready` is insufficient, because it succeeds before the worker threads listen.
fn is_ready(admin: &Client) -> Result<bool, Error> {
    const STARTED: &str = "listener_manager.workers_started";
    let get = |path: &str| match admin.send(&Request::get(path)) {
        Ok(response) => Ok(Some(response)),
        // Not listening yet.
        Err(CallError::Connect(_) | CallError::Refused(_)) => Ok(None),
        Err(error) => Err(error),
    };
    let is_live = |response: Option<Response>| response.is_some_and(|it| it.status == 200);
    let has_started = |response: Option<Response>| {
        response.is_some_and(|it| it.text().trim() == format!("{STARTED}: 1"))
    };
    Ok(is_live(get("/ready")?) && has_started(get(&format!("/stats?filter=^{STARTED}$"))?))
}

/// The listeners with an IP address, excluding Unix sockets.
fn listeners(client: &Client) -> Result<Vec<(String, SocketAddr)>, Error> {
    let status: Value = serde_json::from_str(&admin(client, "GET", "/listeners?format=json")?)?;
    let listeners = status.get("listener_statuses").and_then(Value::as_array);
    listeners
        .into_iter()
        .flatten()
        .filter(|listener| listener.pointer("/local_address/pipe").is_none())
        .map(|listener| {
            let read = || {
                let name = listener.get("name")?.as_str()?;
                let socket = listener.pointer("/local_address/socket_address")?;
                let ip = socket.get("address")?.as_str()?.parse().ok()?;
                let port = socket.get("port_value")?.as_u64()?.try_into().ok()?;
                Some((name.to_owned(), SocketAddr::new(ip, port)))
            };
            read().ok_or_else(|| Error::Admin(format!("unexpected listener: {listener}")))
        })
        .collect()
}

fn admin(client: &Client, method: &str, path: &str) -> Result<String, Error> {
    let response = client.send(&Request::new(method, path))?;
    match response.status {
        200 => Ok(response.text()),
        status => Err(Error::Admin(format!(
            "{method} {path}: {status} {}",
            response.text().trim()
        ))),
    }
}
