//! A real proxy as Istio would have it: a sidecar of the example shop's cart service.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use peergate_sandbox::wait::{TIMEOUT, wait_for};
use peergate_sandbox::{INBOUND_STRICT, Leaf, Service};
use policy_schema::telemetry::Label;
use serde_json::{Value, json};

use super::SHOP;
use super::filter::http_filter;

pub(crate) const CART: &str = "cartservice";
pub(crate) const POLICY: &str = "boutique/cartservice";

const FILTER: &str = "peergate";

/// The file that a filter by discovery comes from.
const DISCOVERY: &str = "discovery.json";

/// What the proxy is to be like.
pub(crate) struct Sidecar {
    /// The filter's configuration; none for no filter.
    pub(crate) plugin_config: Option<String>,
    /// Whether the filter comes by discovery.
    pub(crate) is_discovered: bool,
    pub(crate) listeners: Vec<&'static str>,
    /// Its certificate, if it is not as it should be.
    pub(crate) leaf: Option<Leaf>,
    /// What certificates of callers are held to, if it is not as it should be.
    pub(crate) validation: Option<Value>,
    /// The direction that its listeners say they have.
    pub(crate) direction: &'static str,
    /// Whether the filter stands in its listeners switched off.
    pub(crate) is_off: bool,
    /// Whether its metrics have labels, as Istio's proxies are told; else all is in their names.
    pub(crate) has_labels: bool,
    /// A change of its bootstrap.
    pub(crate) change: fn(&mut Value),
}

impl Default for Sidecar {
    fn default() -> Self {
        Self {
            plugin_config: Some(plugin_config(CART)),
            is_discovered: false,
            listeners: vec![INBOUND_STRICT],
            leaf: None,
            validation: None,
            direction: "INBOUND",
            is_off: false,
            has_labels: true,
            change: |_| (),
        }
    }
}

/// A running proxy. All of it ends with this value.
pub(crate) struct Proxy {
    pub(crate) service: Service,
    /// The folder of its files.
    files: PathBuf,
}

/// A listener that is yet to be sent.
struct NextListener {
    path: PathBuf,
    second: Value,
}

/// What `peergate render` makes for a policy's filter.
pub(crate) fn plugin_config(name: &str) -> String {
    let workload = format!("boutique/{name}");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_peergate"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args([
            "render",
            "-f",
            SHOP,
            "--only",
            "plugin-config",
            "--policy",
            &workload,
        ])
        .output()
        .unwrap();
    let config: Value = serde_json::from_slice(&output.stdout).unwrap();
    config.to_string()
}

/// The revision of the cart service's policy.
pub(crate) fn revision() -> String {
    let config: Value = serde_json::from_str(&plugin_config(CART)).unwrap();
    config["revision"].as_str().unwrap().to_owned()
}

/// The filter by way of a file, as istiod brings it by its own.
fn discovered(plugin_config: String, folder: &Path) -> Value {
    let path = folder.join(DISCOVERY);
    discover(&path, "1", plugin_config);
    json!({
        "name": FILTER,
        "config_discovery": {
            "config_source": {"path_config_source": {"path": path}},
            "type_urls": ["type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm"],
        },
    })
}

/// Gives a proxy its filter by way of a file, which it takes up when it is moved into place.
fn discover(path: &Path, version: &str, plugin_config: String) {
    let resource = json!({
        "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
        "name": FILTER,
        "typed_config": http_filter(POLICY, plugin_config)["typed_config"],
    });
    let response = json!({"version_info": version, "resources": [resource]});
    let written = path.with_extension("new");
    fs::write(&written, response.to_string()).unwrap();
    fs::rename(written, path).unwrap();
}

/// Gives a proxy its listener by way of a file, which it takes up when it is moved into place.
fn send(path: &Path, version: &str, listener: &Value) {
    let mut listener = listener.clone();
    listener["@type"] = json!("type.googleapis.com/envoy.config.listener.v3.Listener");
    let response = json!({"version_info": version, "resources": [listener]});
    let written = path.with_extension("new");
    fs::write(&written, response.to_string()).unwrap();
    fs::rename(written, path).unwrap();
}

impl Proxy {
    pub(crate) fn start(wanted: Sidecar) -> Self {
        let own = Leaf::spiffe("spiffe://cluster.local/ns/boutique/sa/cartservice");
        let leaf = wanted.leaf.unwrap_or(own);
        let mut folder = PathBuf::new();
        let service = Service::start(&leaf, |mut sidecar, files| {
            files.clone_into(&mut folder);
            sidecar.pod = Some(("boutique".to_owned(), "cartservice-1".to_owned()));
            let labels = [("app", CART), ("pod-template-hash", "5f4d")];
            if wanted.has_labels {
                sidecar.stats_tags = Label::TAGS.map(str::to_owned).into();
            }
            sidecar.labels = labels
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into();
            let filter = wanted.plugin_config.map(|config| {
                if wanted.is_discovered {
                    discovered(config, files)
                } else {
                    http_filter(POLICY, config)
                }
            });
            sidecar.http_filters = filter.into_iter().collect();
            if wanted.is_off {
                for filter in &mut sidecar.http_filters {
                    filter["disabled"] = json!(true);
                }
            }
            let mut bootstrap = sidecar.bootstrap();
            let listeners = bootstrap["static_resources"]["listeners"]
                .as_array_mut()
                .unwrap();
            listeners.retain(|listener| {
                wanted
                    .listeners
                    .iter()
                    .any(|name| listener["name"] == *name)
            });
            for listener in listeners {
                listener["traffic_direction"] = json!(wanted.direction);
                if let Some(validation) = &wanted.validation {
                    let context =
                        &mut listener["filter_chains"][0]["transport_socket"]["typed_config"];
                    context["common_tls_context"]["validation_context"] = validation.clone();
                }
            }
            (wanted.change)(&mut bootstrap);
            bootstrap
        });
        Self {
            service: service.unwrap(),
            files: folder,
        }
    }

    /// Sends it another configuration of the filter that it discovered, and waits until it says something of it.
    pub(crate) fn update(&mut self, plugin_config: String, answer: &str) {
        let path = self.files.join(DISCOVERY);
        discover(&path, "2", plugin_config);
        let patience = Duration::from_secs(30);
        self.service.envoy.wait_for_log(answer, patience).unwrap();
    }

    /// A proxy that runs without the filter, and refused the listener that has it.
    pub(crate) fn that_refused_the_filter() -> Self {
        let (mut proxy, listeners) = Self::by_discovery(&mut |files| {
            let absent = files.join("absent.wasm");
            let mut filter = http_filter(POLICY, plugin_config(CART));
            filter["typed_config"]["config"]["vm_config"]["code"] =
                json!({"local": {"filename": absent}});
            [vec![], vec![filter]]
        });
        send(&listeners.path, "2", &listeners.second);
        let patience = Duration::from_secs(30);
        let envoy = &mut proxy.service.envoy;
        envoy
            .wait_for_log("config update rejected", patience)
            .unwrap();
        proxy
    }

    /// A proxy that ran the filter, and was sent a listener without it.
    pub(crate) fn that_lost_the_filter() -> Self {
        let (proxy, listeners) =
            Self::by_discovery(&mut |_| [vec![http_filter(POLICY, plugin_config(CART))], vec![]]);
        send(&listeners.path, "2", &listeners.second);
        wait_for("the second listener", TIMEOUT, || {
            let dump = proxy.service.envoy.admin_get("/config_dump")?;
            let dump: Value = serde_json::from_str(&dump).unwrap();
            let sections = dump["configs"].as_array().unwrap();
            let listeners = sections
                .iter()
                .filter_map(|section| section["dynamic_listeners"].as_array());
            let active: Vec<_> = listeners
                .flatten()
                .map(|listener| listener["active_state"].to_string())
                .collect();
            let is_gone = !active.concat().contains("peergate.dev/");
            Ok((is_gone && !active.is_empty()).then_some(()))
        })
        .unwrap();
        proxy
    }

    /// A proxy whose listener comes by way of a file, with the first of these lists of filters. The second is
    /// yet to be sent.
    fn by_discovery(filters: &mut dyn FnMut(&Path) -> [Vec<Value>; 2]) -> (Self, NextListener) {
        let own = Leaf::spiffe("spiffe://cluster.local/ns/boutique/sa/cartservice");
        let mut next = None;
        let mut folder = PathBuf::new();
        let service = Service::start(&own, |mut sidecar, files| {
            files.clone_into(&mut folder);
            sidecar.pod = Some(("boutique".to_owned(), "cartservice-1".to_owned()));
            sidecar.labels = [("app".to_owned(), CART.to_owned())].into();
            let path = files.join("listeners.json");
            let [first, second] = filters(files);
            sidecar.http_filters = first;
            let mut bootstrap = sidecar.bootstrap();
            let mut listener = bootstrap["static_resources"]["listeners"][0].take();
            bootstrap["static_resources"]["listeners"] = json!([]);
            listener["traffic_direction"] = json!("INBOUND");
            send(&path, "1", &listener);
            bootstrap["dynamic_resources"] = json!({
                "lds_config": {"path_config_source": {"path": path}, "resource_api_version": "V3"},
            });
            sidecar.http_filters = second;
            let mut second = sidecar.bootstrap()["static_resources"]["listeners"][0].take();
            second["traffic_direction"] = json!("INBOUND");
            // Where it listens cannot change, and the kernel picked the port.
            second["address"] = listener["address"].clone();
            next = Some(NextListener { path, second });
            bootstrap
        });
        let proxy = Self {
            service: service.unwrap(),
            files: folder,
        };
        (proxy, next.unwrap())
    }

    /// The URL of its admin endpoint.
    pub(crate) fn admin(&self) -> String {
        format!("http://{}", self.service.envoy.admin_addr())
    }

    /// The host and port of a listener.
    pub(crate) fn port(&self, listener: &str) -> String {
        self.service.envoy.listener(listener).unwrap().to_string()
    }
}
