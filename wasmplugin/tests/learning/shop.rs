//! A service of the example shop behind a real proxy that logs, and those who call it.

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

/// The example shop, its mesh alone, and its policies alone.
pub(crate) const SHOP: &str = "../examples/online-boutique";
pub(crate) const MESH: &str = "../examples/online-boutique/mesh.yaml";
const POLICIES: &str = "../examples/online-boutique/policies";

/// A request to a service of the shop.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) workload: String,
    /// None for a caller without identity.
    pub(crate) principal: Option<String>,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) host: Option<String>,
    pub(crate) port: Option<u64>,
    /// By the shop's own policy.
    pub(crate) is_allowed: bool,
}

impl Asked {
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

/// The requests to a service with the decisions that they must get.
pub(crate) fn decisions(policy: &str) -> Vec<Asked> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(SHOP)
        .join("decisions.ndjson");
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let asked: Vec<_> = lines
        .filter(|line| line["to"] == policy)
        .map(|line| {
            let text = |field: &str| line[field].as_str().map(str::to_owned);
            Asked {
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
    assert!(asked.iter().any(|asked| asked.is_allowed), "{policy}");
    asked
}

/// A run of the command line that has ended.
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
    // Answers come before all questions are asked.
    let writer = std::thread::spawn(move || input.write_all(stdin.as_bytes()));
    let output = child.wait_with_output().unwrap();
    // A run that refuses its arguments does not read its input.
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

/// The report of a run that has something to propose.
pub(crate) fn learn_from(log: &str, more: &[&str]) -> Value {
    let run = learn(log, more);
    assert_eq!(run.status, 0, "{}", run.stderr);
    serde_json::from_str(&run.stdout).unwrap()
}

/// What policies decide about requests: whether they allow them, or would if they are in shadow.
pub(crate) fn answers(policies: &[&str], asked: &[Asked]) -> Vec<bool> {
    let lines: Vec<_> = asked
        .iter()
        .map(|asked| {
            let mut line = json!({
                "to": asked.workload,
                "from": asked.principal.as_deref().unwrap_or("anonymous"),
                "method": asked.method,
                "path": asked.path,
            });
            if let Some(host) = &asked.host {
                line["host"] = json!(host);
            }
            if let Some(port) = asked.port {
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
    assert_eq!(answers.len(), asked.len());
    answers
}

/// What `peergate render` makes for a policy's filter.
pub(crate) fn plugin_config(name: &str) -> Value {
    rendered(&["-f", SHOP], name)
}

/// The same in a mesh that is as the shop's, and learns.
pub(crate) fn learning_config(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(MESH);
    let mesh = std::fs::read_to_string(path).unwrap();
    let learning = mesh.replacen("upstreamHeader: true", "learning: {}", 1);
    assert_ne!(mesh, learning);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mesh.yaml");
    std::fs::write(&file, learning).unwrap();
    rendered(&["-f", file.to_str().unwrap(), "-f", POLICIES], name)
}

fn rendered(policies: &[&str], name: &str) -> Value {
    let workload = format!("boutique/{name}");
    let wanted = ["--only", "plugin-config", "--policy", &workload];
    let run = run(&[&["render"], policies, &wanted].concat(), "");
    assert_eq!(run.status, 0, "{}", run.stderr);
    serde_json::from_str(&run.stdout).unwrap()
}

/// A proxy with the filter, in front of a service, and its access log. All of it ends with this value.
pub(crate) struct Sidecar {
    service: Service,
    log: PathBuf,
    /// One for each caller, since keys take their time.
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
            tell_more(&mut bootstrap);
            bootstrap
        });
        Self {
            service: service.unwrap(),
            log,
            clients: RefCell::default(),
            _files: files,
        }
    }

    /// Where its metrics are.
    pub(crate) fn admin(&self) -> SocketAddr {
        self.service.envoy.admin_addr()
    }

    /// Sends a request as its caller: the status of the answer.
    pub(crate) fn send(&self, asked: &Asked) -> u16 {
        self.send_as(asked, &asked.request())
    }

    /// The same as a call of gRPC.
    pub(crate) fn call(&self, asked: &Asked) -> u16 {
        let request = asked.request().header("content-type", "application/grpc");
        self.send_as(asked, &request)
    }

    fn send_as(&self, asked: &Asked, request: &Request) -> u16 {
        let mut clients = self.clients.borrow_mut();
        let client = clients
            .entry(asked.principal.clone())
            .or_insert_with(|| self.client(asked.principal.as_deref()));
        client.send(request).unwrap().status
    }

    fn client(&self, principal: Option<&str>) -> Client {
        let client = match principal {
            Some(principal) => self.service.client_as(principal),
            None => self.service.plaintext_client(),
        };
        client.unwrap()
    }

    /// The access log, once it has this many lines.
    pub(crate) fn log_of(&self, lines: usize) -> String {
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

/// Has access logs say when a request began and which way it went, as those of a mesh do.
fn tell_more(bootstrap: &mut Value) {
    match bootstrap {
        Value::Object(fields) => {
            if let Some(format) = fields.get_mut("json_format") {
                format["start_time"] = json!("%START_TIME%");
                format["upstream_cluster"] = json!("inbound|8080||");
            }
            fields.values_mut().for_each(tell_more);
        }
        Value::Array(elements) => elements.iter_mut().for_each(tell_more),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
