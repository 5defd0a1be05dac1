//! A service behind a real proxy that runs the filter.

use std::fs;
use std::path::{Path, PathBuf};

use peergate_sandbox::{
    Authority, Client, Envoy, EnvoyBinary, INBOUND_STRICT, InboundSidecar, Leaf, Request, Upstream,
};
use policy_schema::envoy::wasm_filter;
use policy_schema::plugin_config::METRIC_TAGS;
use tempfile::TempDir;

use super::run;

/// The policies in a folder of their own, which can be changed.
pub(crate) struct Policies {
    folder: TempDir,
}

impl Policies {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let policies = Self { folder };
        fs::write(policies.path(), include_str!("policy.yaml")).unwrap();
        policies
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("policy.yaml")
    }

    pub(crate) fn name(&self) -> String {
        self.path().to_str().unwrap().to_owned()
    }

    pub(crate) fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }

    fn plugin_config(&self) -> String {
        let rendered = run(&["render", "-f", &self.name(), "--only", "plugin-config"]);
        assert_eq!(rendered.status, 0, "{}", rendered.stderr);
        rendered.stdout
    }
}

/// A running proxy. All of it ends with this value.
pub(crate) struct Mesh {
    pub(crate) envoy: Envoy,
    authority: Authority,
    _upstream: Upstream,
    _files: TempDir,
}

/// The module that `make filter` leaves.
fn module() -> PathBuf {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/filter/peergate_filter.wasm");
    std::env::var_os("PEERGATE_FILTER").map_or(built, PathBuf::from)
}

impl Mesh {
    pub(crate) fn start(policies: &Policies) -> Self {
        let files = tempfile::tempdir().unwrap();
        let authority = Authority::new().unwrap();
        let ca = authority.write_to(files.path(), "ca").unwrap();
        let leaf = Leaf::spiffe("spiffe://cluster.local/ns/shop/sa/orders");
        let identity = authority.issue(&leaf).unwrap();
        let identity = identity.write_to(files.path(), "orders").unwrap();
        let upstream = Upstream::start().unwrap();
        let mut sidecar = InboundSidecar::new(identity, ca, upstream.addr());
        sidecar.stats_tags = METRIC_TAGS.map(str::to_owned).into();
        let config = policies.plugin_config();
        let filter = wasm_filter("shop/orders", config, module().to_str().unwrap());
        sidecar.http_filters = vec![serde_json::to_value(filter).unwrap()];
        let binary = EnvoyBinary::find(None).unwrap();
        Self {
            envoy: Envoy::start(&binary, &sidecar.bootstrap()).unwrap(),
            authority,
            _upstream: upstream,
            _files: files,
        }
    }

    /// Has a service account of the namespace ask for a path so many times, and returns the last answer's status.
    pub(crate) fn ask(&self, account: &str, path: &str, times: usize) -> u16 {
        let leaf = Leaf::spiffe(&format!("spiffe://cluster.local/ns/shop/sa/{account}"));
        let identity = self.authority.issue(&leaf).unwrap();
        let client = Client::new(self.envoy.listener(INBOUND_STRICT).unwrap()).unwrap();
        let client = client.tls(&self.authority, Some(&identity)).unwrap();
        let answers = (0..times).map(|_| client.send(&Request::get(path)).unwrap().status);
        answers.last().unwrap()
    }
}
