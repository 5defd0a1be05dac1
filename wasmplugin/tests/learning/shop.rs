//! A service of the example shop behind a real proxy with an access log, and its callers.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use peergate_sandbox::wait::{TIMEOUT, wait_for};
use peergate_sandbox::{Client, Leaf, Request, Service};
use policy_schema::telemetry::Label;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::filter::http_filter;

/// The example shop, its mesh and its policies.
pub(crate) const SHOP: &str = "../examples/online-boutique";
pub(crate) const MESH: &str = "../examples/online-boutique/mesh.yaml";
const POLICIES: &str = "../examples/online-boutique/policies";

/// A request to a service of the shop.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) workload: String,
    /// `None` for an anonymous caller.
    pub(crate) principal: Option<String>,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) host: Option<String>,
    pub(crate) port: Option<u64>,
    /// The decision of the shop's own policy.
    pub(crate) is_allowed: bool,
}

impl Call {
    pub(crate) fn new(workload: &str, principal: &str, method: &str, path: &str) -> Self {
        Self {
            workload: workload.to_owned(),
            principal: Some(principal.to_owned()),
            method: method.to_owned(),
            path: path.to_owned(),
            host: None,
            port: None,
            is_allowed: false,
        }
    }

    /// The caller's service account.
    pub(crate) fn account(&self) -> &str {
        let principal = self.principal.as_deref().unwrap_or_default();
        principal.rsplit('/').next().unwrap_or_default()
    }

    fn request(&self) -> Request {
        let request = Request::new(&self.method, &self.path);
        match &self.host {
            Some(host) => request.authority(host),
            None => request,
        }
    }
}

/// The requests to a service with their expected decisions.
pub(crate) fn decisions(policy: &str) -> Vec<Call> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(SHOP)
        .join("decisions.ndjson");
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let calls: Vec<_> = lines
        .filter(|line| line["to"] == policy)
        .map(|line| {
            let text = |field: &str| line[field].as_str().map(str::to_owned);
            Call {
                workload: policy.to_owned(),
                principal: text("from").filter(|caller| caller != "anonymous"),
                method: text("method").unwrap(),
                path: text("path").unwrap(),
                host: text("host"),
                port: line["port"].as_u64(),
                is_allowed: line["expect"] == "allow",
            }
        })
        .collect();
    assert!(calls.iter().any(|call| call.is_allowed), "{policy}");
    calls
}

/// A finished run of the command line.
pub(crate) struct Run {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

pub(crate) fn run(args: &[&str], stdin: &str) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_peergate"))
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let stdin = stdin.to_owned();
    // The process answers before it has read all requests.
    let writer = std::thread::spawn(move || input.write_all(stdin.as_bytes()));
    let output = child.wait_with_output().unwrap();
    // A run with invalid arguments does not read its input.
    let _ = writer.join().unwrap();
    Run {
        status: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

pub(crate) fn learn(log: &str, more: &[&str]) -> Run {
    run(&[&["learn", "--access-log", "-"], more].concat(), log)
}

/// The report of a run, which must propose something.
pub(crate) fn learn_from(log: &str, more: &[&str]) -> Value {
    let run = learn(log, more);
    assert_eq!(run.status, 0, "{}", run.stderr);
    serde_json::from_str(&run.stdout).unwrap()
}

/// Whether policies allow requests, or would allow them if the policies are in shadow.
pub(crate) fn answers(policies: &[&str], calls: &[Call]) -> Vec<bool> {
    let lines: Vec<_> = calls
        .iter()
        .map(|call| {
            let mut line = json!({
                "to": call.workload,
                "from": call.principal.as_deref().unwrap_or("anonymous"),
                "method": call.method,
                "path": call.path,
            });
            if let Some(host) = &call.host {
                line["host"] = json!(host);
            }
            if let Some(port) = call.port {
                line["port"] = json!(port);
            }
            line.to_string()
        })
        .collect();
    let run = run(
        &[&["decide", "--requests", "-"], policies].concat(),
        &lines.join("\n"),
    );
    assert!(matches!(run.status, 0 | 2), "{}", run.stderr);
    let answers = run.stdout.lines().map(|line| {
        let answer: Value = serde_json::from_str(line).unwrap();
        answer["decision"] == "allow"
    });
    let answers: Vec<_> = answers.collect();
    assert_eq!(answers.len(), calls.len());
    answers
}

/// The plugin config that `peergate render` writes for a policy.
pub(crate) fn plugin_config(name: &str) -> Value {
    render(&["-f", SHOP], name)
}

/// Same in the shop's mesh with learning mode.
pub(crate) fn learning_config(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(MESH);
    let mesh = std::fs::read_to_string(path).unwrap();
    let learning = mesh.replacen("upstreamHeader: true", "learning: {}", 1);
    assert_ne!(mesh, learning);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mesh.yaml");
    std::fs::write(&file, learning).unwrap();
    render(&["-f", file.to_str().unwrap(), "-f", POLICIES], name)
}

fn render(policies: &[&str], name: &str) -> Value {
    let workload = format!("boutique/{name}");
    let wanted = ["--only", "plugin-config", "--policy", &workload];
    let run = run(&[&["render"], policies, &wanted].concat(), "");
    assert_eq!(run.status, 0, "{}", run.stderr);
    serde_json::from_str(&run.stdout).unwrap()
}

/// A proxy with the filter and an access log, in front of a service. Dropping it stops all of its processes.
pub(crate) struct Sidecar {
    service: Service,
    log: PathBuf,
    /// Clients by caller, because generating keys is slow.
    clients: RefCell<BTreeMap<Option<String>, Client>>,
    _files: TempDir,
}

impl Sidecar {
    pub(crate) fn start(plugin_config: &Value) -> Self {
        let files = tempfile::tempdir().unwrap();
        let log = files.path().join("access.log");
        let leaf = Leaf::spiffe("spiffe://cluster.local/ns/boutique/sa/service");
        let service = Service::start(&leaf, |mut sidecar, _| {
            sidecar.http_filters = vec![http_filter("learn", plugin_config.to_string())];
            sidecar.stats_tags = Label::TAGS.map(str::to_owned).into();
            sidecar.access_log = Some(log.clone());
            let mut bootstrap = sidecar.bootstrap();
            extend_access_log(&mut bootstrap);
            bootstrap
        });
        Self {
            service: service.unwrap(),
            log,
            clients: RefCell::default(),
            _files: files,
        }
    }

    /// The address of its metrics.
    pub(crate) fn admin(&self) -> SocketAddr {
        self.service.envoy.admin_addr()
    }

    /// Sends a request as its caller; the status of the response.
    pub(crate) fn send(&self, call: &Call) -> u16 {
        self.send_as(call, &call.request())
    }

    /// Same as a gRPC call.
    pub(crate) fn call(&self, call: &Call) -> u16 {
        let request = call.request().header("content-type", "application/grpc");
        self.send_as(call, &request)
    }

    fn send_as(&self, call: &Call, request: &Request) -> u16 {
        let mut clients = self.clients.borrow_mut();
        let client = clients
            .entry(call.principal.clone())
            .or_insert_with(|| self.client(call.principal.as_deref()));
        client.send(request).unwrap().status
    }

    fn client(&self, principal: Option<&str>) -> Client {
        let client = match principal {
            Some(principal) => self.service.client_as(principal),
            None => self.service.plaintext_client(),
        };
        client.unwrap()
    }

    /// Waits until the access log has this many lines, and returns it.
    pub(crate) fn access_log(&self, lines: usize) -> String {
        let read = || {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            let is_whole = log.ends_with('\n') && log.lines().count() >= lines;
            Ok(is_whole.then_some(log))
        };
        let log = wait_for("the access log", TIMEOUT, read).unwrap();
        assert_eq!(log.lines().count(), lines);
        log
    }
}

/// Adds the start time and the direction of requests to access logs, as in a mesh.
fn extend_access_log(bootstrap: &mut Value) {
    match bootstrap {
        Value::Object(fields) => {
            if let Some(format) = fields.get_mut("json_format") {
                format["start_time"] = json!("%START_TIME%");
                format["upstream_cluster"] = json!("inbound|8080||");
            }
            fields.values_mut().for_each(extend_access_log);
        }
        Value::Array(elements) => elements.iter_mut().for_each(extend_access_log),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
