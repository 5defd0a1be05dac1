//! Finds, starts, queries and stops a Prometheus.

use std::collections::BTreeMap;
use std::env;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

use crate::process::Process;
use crate::wait::{TIMEOUT, wait_for};
use crate::{CallError, Client, Error, Request, Response};

/// The retention, long enough for data of any time.
const RETENTION: &str = "100y";

/// The name in errors.
const PROGRAM: &str = "Prometheus";

/// The executables of a Prometheus installation.
#[derive(Clone, Debug)]
pub struct PrometheusTools {
    folder: Option<PathBuf>,
}

impl PrometheusTools {
    /// Finds the executables in the folder `PEERGATE_PROMETHEUS`, else on the `PATH`.
    pub fn find() -> Self {
        Self {
            folder: env::var_os("PEERGATE_PROMETHEUS").map(PathBuf::from),
        }
    }

    /// Runs `promtool`, which checks and tests rules, in `dir`.
    pub fn promtool(&self, dir: &Path, args: &[&str]) -> Result<Output, Error> {
        let mut command = self.command("promtool");
        command.current_dir(dir).args(args);
        command
            .output()
            .map_err(Error::at("run", Path::new(command.get_program())))
    }

    fn command(&self, name: &str) -> Command {
        let program = match &self.folder {
            Some(folder) => folder.join(name),
            None => name.into(),
        };
        let mut command = Command::new(program);
        command.stdin(Stdio::null());
        command
    }
}

/// A running Prometheus. It is killed when dropped, and when this process ends in any way.
#[derive(Debug)]
pub struct Prometheus {
    // Declared before the directory, because fields are dropped in order.
    process: Process,
    dir: TempDir,
    api: Client,
    addr: SocketAddr,
}

/// A series in a query result.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Series {
    /// The labels, including the metric name.
    #[serde(rename = "metric")]
    pub labels: BTreeMap<String, String>,
    /// The time and value, in the API's format.
    value: (f64, String),
}

impl Series {
    /// The current value.
    pub fn value(&self) -> f64 {
        self.value.1.parse().unwrap_or(f64::NAN)
    }
}

/// A series in a range query result.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Range {
    /// The labels.
    #[serde(rename = "metric")]
    pub labels: BTreeMap<String, String>,
    /// Times and values, in the API's format.
    values: Vec<(f64, String)>,
}

impl Range {
    /// Times in Unix seconds, and values.
    pub fn points(&self) -> Vec<(f64, f64)> {
        let points = self.values.iter();
        points
            .map(|(time, value)| (*time, value.parse().unwrap_or(f64::NAN)))
            .collect()
    }
}

/// A response of the API.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status: String,
    data: Option<Value>,
    error: Option<String>,
}

#[derive(Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
enum QueryResult {
    Vector(Vec<Series>),
    Matrix(Vec<Range>),
    Scalar((f64, String)),
}

impl Prometheus {
    /// Starts a Prometheus and returns once it answers queries.
    ///
    /// # Errors
    ///
    /// [`Error::Exited`] if it exits, with the end of its log. [`Error::Timeout`] if it is not ready within [`TIMEOUT`].
    pub fn start(tools: &PrometheusTools, config: &Value) -> Result<Self, Error> {
        Self::launch(tools, config, None)
    }

    /// Starts a Prometheus with an existing data folder, such as one created by `promtool`.
    pub fn start_with_data(
        tools: &PrometheusTools,
        config: &Value,
        data: &Path,
    ) -> Result<Self, Error> {
        Self::launch(tools, config, Some(data))
    }

    fn launch(tools: &PrometheusTools, config: &Value, data: Option<&Path>) -> Result<Self, Error> {
        let dir = TempDir::with_prefix("peergate-prometheus-")
            .map_err(Error::io("make a temporary directory"))?;
        let file = dir.path().join("prometheus.yml");
        // JSON is YAML.
        std::fs::write(&file, format!("{config:#}")).map_err(Error::at("write", &file))?;

        let data = data.map_or_else(|| dir.path().join("data"), Path::to_owned);
        let mut command = tools.command("prometheus");
        command
            .arg("--config.file")
            .arg(&file)
            .arg("--storage.tsdb.path")
            .arg(data)
            .args(["--storage.tsdb.retention.time", RETENTION])
            .args(["--web.listen-address", "127.0.0.1:0"]);
        let mut process = Process::spawn(PROGRAM, command, &dir.path().join("log"))?;

        let addr = wait_for("Prometheus to listen", TIMEOUT, || {
            process.check()?;
            Ok(listening(&process.log()?))
        })?;
        let api = Client::new(addr)?;
        wait_for("Prometheus to be ready", TIMEOUT, || {
            process.check()?;
            Ok(is_ready(&api)?.then_some(()))
        })?;
        Ok(Self {
            process,
            dir,
            api,
            addr,
        })
    }

    /// The address of the API.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The URL of the API.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// The temporary directory with the log. It is deleted when dropped.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Evaluates a PromQL expression now. A scalar is a series without labels.
    ///
    /// # Errors
    ///
    /// [`Error::Prometheus`] with the error of Prometheus.
    pub fn query(&self, expression: &str) -> Result<Vec<Series>, Error> {
        match self.ask(expression)? {
            QueryResult::Vector(series) => Ok(series),
            QueryResult::Scalar(value) => Ok(vec![Series {
                labels: BTreeMap::new(),
                value,
            }]),
            QueryResult::Matrix(_) => Err(Error::Prometheus("not values of one time".into())),
        }
    }

    /// Waits up to `limit` until a PromQL expression has a result.
    pub fn wait_for(&self, expression: &str, limit: Duration) -> Result<(), Error> {
        wait_for(expression, limit, || {
            let series = self.query(expression)?;
            Ok((!series.is_empty()).then_some(()))
        })
    }

    /// Evaluates an expression over the last `window`, every `step`.
    ///
    /// # Errors
    ///
    /// [`Error::Prometheus`] with the error of Prometheus.
    pub fn range(&self, expression: &str, window: &str, step: &str) -> Result<Vec<Range>, Error> {
        match self.ask(&format!("({expression})[{window}:{step}]"))? {
            QueryResult::Matrix(ranges) => Ok(ranges),
            QueryResult::Vector(_) | QueryResult::Scalar(_) => {
                Err(Error::Prometheus("not values over a time".into()))
            }
        }
    }

    fn ask(&self, expression: &str) -> Result<QueryResult, Error> {
        let query = percent_encoded(expression);
        let data = self.get(&format!("/api/v1/query?query={query}"))?;
        Ok(serde_json::from_value(data)?)
    }

    /// The data of a successful `GET` from the API.
    pub fn get(&self, path: &str) -> Result<Value, Error> {
        let response = self.api.send(&Request::get(path))?;
        let answer: Answer = serde_json::from_slice(&response.body)?;
        match (answer.status.as_str(), answer.data) {
            ("success", Some(data)) => Ok(data),
            _ => Err(Error::Prometheus(answer.error.unwrap_or_default())),
        }
    }
}

/// The listening address from the log, if it is already logged. The kernel chooses the port.
fn listening(log: &str) -> Option<SocketAddr> {
    let line = log
        .lines()
        .find(|line| line.contains(r#"msg="Listening on""#))?;
    let (_, address) = line.split_once("address=")?;
    address.split_whitespace().next()?.parse().ok()
}

fn is_ready(api: &Client) -> Result<bool, Error> {
    match api.send(&Request::get("/-/ready")) {
        Ok(Response { status, .. }) => Ok(status == 200),
        Err(CallError::Connect(_) | CallError::Refused(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Percent-encodes a query parameter value.
fn percent_encoded(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() {
            encoded.push(char::from(byte));
        } else {
            // Writing to a `String` cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_listening_address() {
        let log = "ts=1 msg=\"Start listening for connections\" address=127.0.0.1:0\n\
                   ts=2 component=web msg=\"Listening on\" address=127.0.0.1:36605\n";
        assert_eq!(
            listening(log),
            Some(SocketAddr::from(([127, 0, 0, 1], 36605)))
        );
        assert_eq!(listening("ts=1 msg=\"Starting\" address=127.0.0.1:1"), None);
    }

    #[test]
    fn encodes_reserved_characters() {
        assert_eq!(
            percent_encoded("a{b=\"c d\"}+1"),
            "a%7Bb%3D%22c%20d%22%7D%2B1"
        );
    }
}
