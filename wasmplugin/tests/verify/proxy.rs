//! A real proxy as Istio would have it: a sidecar of the example shop's cart service.

use std::fs;
use std::path::Path;
use std::time::Duration;

use peergate_sandbox::{INBOUND_STRICT, Leaf, Service};
use serde_json::{Value, json};

use super::SHOP;
use super::filter::http_filter;

pub(crate) const CART: &str = "cartservice";
pub(crate) const POLICY: &str = "boutique/cartservice";

const FILTER: &str = "peergate";

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
        }
    }
}

/// A running proxy. All of it ends with this value.
pub(crate) struct Proxy {
    pub(crate) service: Service,
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
            "--workload",
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
    let path = folder.join("discovery.json");
    let resource = json!({
        "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
        "name": FILTER,
        "typed_config": http_filter(POLICY, plugin_config)["typed_config"],
    });
    let response = json!({"version_info": "1", "resources": [resource]});
    fs::write(&path, response.to_string()).unwrap();
    json!({
        "name": FILTER,
        "config_discovery": {
            "config_source": {"path_config_source": {"path": path}},
            "type_urls": ["type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm"],
        },
    })
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
        let service = Service::start(&leaf, |mut sidecar, files| {
            sidecar.pod = Some(("boutique".to_owned(), "cartservice-1".to_owned()));
            let labels = [("app", CART), ("pod-template-hash", "5f4d")];
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
            bootstrap
        });
        Self {
            service: service.unwrap(),
        }
    }

    /// A proxy that runs without the filter, and refused the listener that has it.
    pub(crate) fn that_refused_the_filter() -> Self {
        let own = Leaf::spiffe("spiffe://cluster.local/ns/boutique/sa/cartservice");
        let mut refused = None;
        let service = Service::start(&own, |mut sidecar, files| {
            sidecar.pod = Some(("boutique".to_owned(), "cartservice-1".to_owned()));
            sidecar.labels = [("app".to_owned(), CART.to_owned())].into();
            let mut bootstrap = sidecar.bootstrap();
            let without = bootstrap["static_resources"]["listeners"][0].clone();
            bootstrap["static_resources"]["listeners"] = json!([]);
            let path = files.join("listeners.json");
            send(&path, "1", &without);
            bootstrap["dynamic_resources"] = json!({
                "lds_config": {"path_config_source": {"path": path}, "resource_api_version": "V3"},
            });
            let mut filter = http_filter(POLICY, plugin_config(CART));
            filter["typed_config"]["config"]["vm_config"]["code"] =
                json!({"local": {"filename": files.join("absent.wasm")}});
            sidecar.http_filters = vec![filter];
            let mut with = sidecar.bootstrap()["static_resources"]["listeners"][0].take();
            // Where it listens cannot change, and the kernel picked the port.
            with["address"] = without["address"].clone();
            refused = Some((path, with));
            bootstrap
        });
        let mut service = service.unwrap();
        let (path, with) = refused.unwrap();
        send(&path, "2", &with);
        service
            .envoy
            .wait_for_log("config update rejected", Duration::from_secs(30))
            .unwrap();
        Self { service }
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
