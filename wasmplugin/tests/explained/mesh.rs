//! A service behind a real proxy that runs the filter, with its policies in a folder of their own.

use std::fs;
use std::path::PathBuf;

use peergate_sandbox::{Client, Leaf, Request, Response, Service};
use serde_json::Value;
use tempfile::TempDir;

use super::filter::http_filter;
use super::run;

/// Policies in files that tests can change.
pub(crate) struct Policies {
    folder: TempDir,
    /// The decision key.
    pub(crate) key: Option<PathBuf>,
}

impl Policies {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let policies = Self { folder, key: None };
        fs::write(policies.path(), include_str!("policies.yaml")).unwrap();
        policies
    }

    pub(crate) fn sealed(key: &str) -> Self {
        let mut policies = Self::new();
        policies.key = Some(policies.write_key("key.txt", key));
        policies
    }

    pub(crate) fn write_key(&self, name: &str, key: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, key).unwrap();
        path
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("policies.yaml")
    }

    pub(crate) fn name(&self) -> String {
        self.path().to_str().unwrap().to_owned()
    }

    pub(crate) fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }

    pub(crate) fn replace(&self, old: &str, new: &str) {
        let text = self.text();
        assert!(text.contains(old), "{text}");
        fs::write(self.path(), text.replace(old, new)).unwrap();
    }

    /// The plugin config, rendered at a time before some of its rules expired.
    fn plugin_config(&self) -> String {
        let name = self.name();
        let mut args = vec!["render", "-f", &name, "--only", "plugin-config"];
        args.extend(["--at", "2025-12-31T00:00:00Z"]);
        let key = self.key.as_ref().map(|key| key.to_str().unwrap());
        if let Some(key) = key {
            args.extend(["--decision-key", key]);
        }
        let rendered = run(&args);
        assert_eq!(rendered.status, 0, "{}", rendered.stderr);
        rendered.stdout
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Caller<'c> {
    /// A caller with this SPIFFE ID or other URI.
    Uri(&'c str),
    /// A plaintext caller.
    Plaintext,
}

/// A running proxy. Dropping it stops all of its processes.
pub(crate) struct Mesh {
    service: Service,
}

impl Mesh {
    pub(crate) fn start(policies: &Policies) -> Self {
        Self::with_config(policies.plugin_config())
    }

    /// Same with one more rule that was added in the cluster: the revision stays.
    pub(crate) fn start_edited(policies: &Policies, rule: Value) -> Self {
        let mut config: Value = serde_json::from_str(&policies.plugin_config()).unwrap();
        let rules = config.get_mut("rules").and_then(Value::as_array_mut);
        rules.unwrap().push(rule);
        Self::with_config(config.to_string())
    }

    fn with_config(plugin_config: String) -> Self {
        let leaf = Leaf::spiffe("spiffe://cluster.local/ns/shop/sa/orders");
        let service = Service::start(&leaf, |mut sidecar, _| {
            sidecar.http_filters = vec![http_filter("shop/orders", plugin_config)];
            sidecar.bootstrap()
        });
        Self {
            service: service.unwrap(),
        }
    }

    pub(crate) fn client(&self, caller: Caller<'_>) -> Client {
        let client = match caller {
            Caller::Plaintext => self.service.plaintext_client(),
            Caller::Uri(uri) => self.service.client_as(uri),
        };
        client.unwrap()
    }

    pub(crate) fn ask(&self, caller: Caller<'_>, method: &str, path: &str) -> Response {
        let request = Request::new(method, path).authority("orders.shop:8080");
        self.client(caller).send(&request).unwrap()
    }

    /// Sends a request that must be denied; its decision ID.
    pub(crate) fn denied(&self, caller: Caller<'_>, method: &str, path: &str) -> String {
        let response = self.ask(caller, method, path);
        assert_eq!(response.status, 403, "{response:?}");
        let id = response.header("x-peergate-decision").unwrap();
        String::from_utf8(id.to_vec()).unwrap()
    }
}
