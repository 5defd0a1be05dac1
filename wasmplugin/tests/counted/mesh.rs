//! A service behind a real proxy that runs the filter.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use peergate_sandbox::{Leaf, Request, Service};
use policy_schema::telemetry::{Label, RevisionNumber};
use serde_json::Value;
use tempfile::TempDir;

use super::filter::http_filter;
use super::run;

/// Policies in a folder of their own, so that tests can change them.
pub(crate) struct Policies {
    folder: TempDir,
}

impl Policies {
    pub(crate) fn new() -> Self {
        Self::from_text(include_str!("policy.yaml"))
    }

    pub(crate) fn from_text(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let policies = Self { folder };
        fs::write(policies.path(), text).unwrap();
        policies
    }

    /// Same with this `reporting` in the `Mesh`, as YAML on one line.
    pub(crate) fn reporting(spec: &str) -> Self {
        let policies = Self::new();
        let filter = format!("  filter:\n    reporting: {spec}\n");
        let text = policies.text();
        let changed = text.replacen("  filter:\n", &filter, 1);
        assert_ne!(text, changed);
        fs::write(policies.path(), changed).unwrap();
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

    /// The revision of the policy, as in metrics.
    pub(crate) fn revision(&self) -> RevisionNumber {
        let config: Value = serde_json::from_str(&self.plugin_config()).unwrap();
        config["revision"].as_str().unwrap().parse().unwrap()
    }
}

/// A running proxy. Dropping it stops all of its processes.
pub(crate) struct Mesh {
    service: Service,
}

impl Mesh {
    pub(crate) fn start(policies: &Policies) -> Self {
        Self::with_tags(policies, &Label::TAGS)
    }

    /// Same with a proxy that extracts only these tags.
    pub(crate) fn with_tags(policies: &Policies, tags: &[&str]) -> Self {
        let leaf = Leaf::spiffe("spiffe://cluster.local/ns/shop/sa/orders");
        let service = Service::start(&leaf, |mut sidecar, _| {
            sidecar.stats_tags = tags.iter().copied().map(str::to_owned).collect();
            sidecar.http_filters = vec![http_filter("shop/orders", policies.plugin_config())];
            sidecar.bootstrap()
        });
        Self {
            service: service.unwrap(),
        }
    }

    /// The address of its metrics.
    pub(crate) fn admin(&self) -> SocketAddr {
        self.service.envoy.admin_addr()
    }

    /// Requests a path `times` times as a service account of the namespace; the status of the last response.
    pub(crate) fn ask(&self, account: &str, path: &str, times: usize) -> u16 {
        let uri = format!("spiffe://cluster.local/ns/shop/sa/{account}");
        let client = self.service.client_as(&uri).unwrap();
        let answers = (0..times).map(|_| client.send(&Request::get(path)).unwrap().status);
        answers.last().unwrap()
    }
}
