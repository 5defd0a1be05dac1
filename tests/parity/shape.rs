//! A realistic input: the files in its folder, and the workloads to compare.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use peergate_tests::random::{Names, TestRequest};
use policy_schema::diagnostic::SourceText;
use policy_schema::engine::PeerIp;
use policy_schema::import::{ExceptionPlan, Options};
use policy_schema::istio::AuthorizationPolicy;
use policy_schema::policy::IstioVersion;
use policy_schema::timestamp::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::workload::Workload;

/// A folder in `clusters`.
pub(crate) struct Shape {
    pub(crate) folder: PathBuf,
    /// The input, by path in the folder.
    pub(crate) sources: Vec<SourceText>,
    pub(crate) asking: Asking,
}

/// The file `workloads.yaml`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Asking {
    #[serde(default)]
    flags: Flags,
    pub(crate) workloads: Vec<Workload>,
}

/// The flags that `peergate import istio` needs for this input.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Flags {
    istio_version: Option<String>,
    trust_domain: Option<String>,
    root_namespace: Option<String>,
    namespace: Option<String>,
}

/// The root namespace of every input.
pub(crate) const ROOT_NAMESPACE: &str = "istio-system";

impl Shape {
    pub(crate) fn read(name: &str) -> Self {
        let folder = folder().join(name);
        let asking = fs::read_to_string(folder.join("workloads.yaml")).unwrap();
        let asking = serde_saphyr::from_str(&asking)
            .unwrap_or_else(|error| panic!("{name}/workloads.yaml: {error}"));
        Self {
            sources: sources(&folder.join("input")),
            folder,
            asking,
        }
    }

    pub(crate) fn options(&self) -> Options {
        let flags = &self.asking.flags;
        let version = flags.istio_version.as_deref();
        Options {
            istio_version: version.map(|text| IstioVersion::parse(text).unwrap()),
            trust_domain: flags.trust_domain.clone(),
            root_namespace: flags.root_namespace.clone(),
            namespace: flags.namespace.clone(),
            exceptions: Some(ExceptionPlan {
                owner: "platform".to_owned(),
                not_after: Timestamp::parse("9999-01-01T00:00:00Z").unwrap(),
            }),
        }
    }

    /// The policies in the input, parsed independently of the import.
    pub(crate) fn originals(&self) -> Vec<AuthorizationPolicy> {
        let objects = self.objects().into_iter();
        let policies = objects.filter(|object| object["kind"] == "AuthorizationPolicy");
        policies
            .map(|mut object| {
                if object["metadata"].get("namespace").is_none() {
                    let namespace = self.asking.flags.namespace.as_deref();
                    object["metadata"]["namespace"] = json!(namespace.unwrap_or("default"));
                }
                serde_json::from_value(object).unwrap()
            })
            .collect()
    }

    /// The objects of Istio's security API.
    pub(crate) fn objects(&self) -> Vec<Value> {
        let texts = self.sources.iter().map(|source| source.text.as_str());
        // Each document by itself; unreadable ones are skipped.
        let documents = texts.flat_map(|text| text.split("\n---"));
        let mut objects = Vec::new();
        for document in documents.filter_map(|text| serde_saphyr::from_str(text).ok()) {
            add_objects(document, &mut objects);
        }
        objects
    }
}

/// The folder with all inputs.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("parity/clusters")
}

fn add_objects(document: Value, objects: &mut Vec<Value>) {
    let mut document = without_nulls(document);
    if let Some(Value::Array(items)) = document.get_mut("items").map(Value::take) {
        for item in items {
            add_objects(item, objects);
        }
    } else if document["apiVersion"]
        .as_str()
        .is_some_and(|version| version.starts_with("security.istio.io/"))
    {
        objects.push(document);
    }
}

/// A value as stored by Kubernetes.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key, without_nulls(value)))
            .collect(),
        Value::Array(elements) => elements.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

fn sources(input: &Path) -> Vec<SourceText> {
    let mut files = Vec::new();
    let mut folders = vec![input.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    let source = |path: PathBuf| SourceText {
        name: path.strip_prefix(input).unwrap().display().to_string(),
        text: fs::read_to_string(&path).unwrap(),
    };
    files.into_iter().map(source).collect()
}

/// Requests: every combination of these values.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Requests {
    /// SPIFFE IDs without scheme; null for a caller without a certificate.
    callers: Vec<Option<String>>,
    /// Method and path.
    asks: Vec<String>,
    #[serde(default = "usual_hosts")]
    hosts: Vec<String>,
    #[serde(default = "usual_ports")]
    ports: Vec<u16>,
    #[serde(default = "usual_addresses")]
    addresses: Vec<IpAddr>,
    #[serde(default = "usual_headers")]
    headers: Vec<BTreeMap<String, String>>,
    /// The claims of a token; null for none.
    #[serde(default = "usual_claims")]
    claims: Vec<Option<Value>>,
}

fn usual_hosts() -> Vec<String> {
    vec!["service.example".to_owned()]
}

fn usual_ports() -> Vec<u16> {
    vec![8080]
}

fn usual_addresses() -> Vec<IpAddr> {
    vec![IpAddr::from([10, 0, 0, 1])]
}

fn usual_headers() -> Vec<BTreeMap<String, String>> {
    vec![BTreeMap::new()]
}

fn usual_claims() -> Vec<Option<Value>> {
    vec![None]
}

impl Requests {
    /// The requests of each connection.
    pub(crate) fn by_connection(&self) -> Vec<Vec<TestRequest>> {
        let mut all = Vec::new();
        for caller in &self.callers {
            for port in &self.ports {
                for address in &self.addresses {
                    let mut requests = self.on_connection(caller.as_deref());
                    for asked in &mut requests {
                        asked.port = Some(*port);
                        asked.remote_ip = Some(*address);
                        // Both addresses of a connection belong to the same family.
                        asked.local_ip = Some(match address {
                            IpAddr::V4(_) => IpAddr::from([10, 9, 9, 9]),
                            IpAddr::V6(_) => IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 9]),
                        });
                    }
                    all.push(requests);
                }
            }
        }
        all
    }

    fn on_connection(&self, caller: Option<&str>) -> Vec<TestRequest> {
        let names = caller.map(|caller| Names::uris([&*format!("spiffe://{caller}")]));
        let mut requests = Vec::new();
        for ask in &self.asks {
            let (method, path) = ask.split_once(' ').unwrap();
            for host in &self.hosts {
                for headers in &self.headers {
                    for claims in &self.claims {
                        requests.push(TestRequest {
                            peer: names.as_ref().and_then(Names::identity),
                            certificate: names.clone(),
                            is_unvalidated: false,
                            method: Some(method.into()),
                            path: Some(path.into()),
                            host: Some(host.as_str().into()),
                            port: None,
                            local_ip: None,
                            peer_ip: PeerIp::Known(IpAddr::from([127, 0, 0, 1])),
                            remote_ip: None,
                            forwarded_for: None,
                            server_name: Some(b"service.example".to_vec()),
                            headers: headers.iter().map(header).collect(),
                            metadata: metadata(claims.as_ref()),
                            now: 0,
                        });
                    }
                }
            }
        }
        requests
    }
}

fn header((name, value): (&String, &String)) -> (&'static str, Vec<u8>) {
    (name.clone().leak(), value.clone().into_bytes())
}

fn metadata(claims: Option<&Value>) -> Value {
    match claims {
        Some(claims) => json!({"envoy.filters.http.jwt_authn": {"payload": claims}}),
        None => json!({}),
    }
}
