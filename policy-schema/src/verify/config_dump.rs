//! What a proxy's admin endpoint says at `/config_dump` (Envoy, `admin.v3.ConfigDump`) → [`Proxy`].

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::object::labels;
use super::proxies::{PlaintextListener, Proxy, RunningPolicy};
use crate::plugin_config::PolicyName;

/// The cluster to which Istio's listeners send what nobody may reach.
const BLACK_HOLE: &str = "BlackHoleCluster";

/// A text that is not what a proxy says at `/config_dump`.
#[derive(Debug, Error)]
pub enum NotAConfigDump {
    /// It is no JSON.
    #[error("it is no JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// It has no `configs`.
    #[error("it has no `configs`")]
    NoConfigs,
}

/// The part of a plugin config that tells which it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Running {
    api_version: String,
    policy: PolicyName,
    revision: Option<String>,
}

impl Proxy {
    /// Reads `/config_dump`; `name` is what to call a proxy that does not tell its name.
    pub fn from_config_dump(name: &str, json: &[u8]) -> Result<Self, NotAConfigDump> {
        let dump: Value = serde_json::from_slice(json)?;
        let configs = dump.get("configs").and_then(Value::as_array);
        let configs = configs.ok_or(NotAConfigDump::NoConfigs)?;
        let mut proxy = Self {
            name: name.to_owned(),
            ..Self::default()
        };
        for config in configs {
            if let Some(node) = config.pointer("/bootstrap/node") {
                proxy.read_node(node);
            }
            for listener in listeners(config) {
                proxy.read_listener(listener);
            }
            proxy.read_plugins(config);
        }
        proxy.policies.sort();
        proxy.policies.dedup();
        proxy.plaintext.sort();
        proxy.plaintext.dedup();
        Ok(proxy)
    }

    /// What Istio's agent says of the pod.
    fn read_node(&mut self, node: &Value) {
        let text = |pointer| node.pointer(pointer).and_then(Value::as_str);
        self.namespace = text("/metadata/NAMESPACE").map(str::to_owned);
        let told = node.pointer("/metadata/LABELS");
        self.labels = told.map(|told| labels(Some(told)));
        if let (Some(name), Some(namespace)) = (text("/metadata/NAME"), &self.namespace) {
            self.name = format!("{namespace}/{name}");
        }
    }

    /// The plugins stand in listeners, or in parts of the dump of their own (`EcdsConfigDump`).
    fn read_plugins(&mut self, value: &Value) {
        match value {
            Value::Array(elements) => elements
                .iter()
                .for_each(|element| self.read_plugins(element)),
            Value::Object(fields) => {
                if let Some(configuration) = fields.get("configuration") {
                    self.policies.extend(running(configuration));
                }
                fields.values().for_each(|field| self.read_plugins(field));
            }
            _ => {}
        }
    }

    fn read_listener(&mut self, listener: &Value) {
        if listener.get("traffic_direction").and_then(Value::as_str) != Some("INBOUND") {
            return;
        }
        let name = listener.get("name").and_then(Value::as_str);
        let chains = listener.get("filter_chains").and_then(Value::as_array);
        let chains = chains.into_iter().flatten();
        for chain in chains.chain(listener.get("default_filter_chain")) {
            let context = chain.pointer("/transport_socket/typed_config");
            if context.is_some_and(verifies_callers) || leads_nowhere(chain) {
                continue;
            }
            let port = chain.pointer("/filter_chain_match/destination_port");
            let port = port.and_then(Value::as_u64);
            self.plaintext.push(PlaintextListener {
                name: name.unwrap_or_default().to_owned(),
                port: port.and_then(|port| u16::try_from(port).ok()),
                has_tls: context.is_some(),
            });
        }
    }
}

/// The listeners that are in force.
fn listeners(config: &Value) -> impl Iterator<Item = &Value> {
    let of = |field: &str| config.get(field).and_then(Value::as_array);
    let fixed = of("static_listeners").into_iter().flatten();
    let dynamic = of("dynamic_listeners").into_iter().flatten();
    fixed
        .filter_map(|listener| listener.get("listener"))
        .chain(dynamic.filter_map(|listener| listener.pointer("/active_state/listener")))
}

/// Whether a `DownstreamTlsContext` demands a certificate, and does not take whichever it gets.
fn verifies_callers(context: &Value) -> bool {
    let common = context.get("common_tls_context");
    let field = |name| common.and_then(|common| common.get(name));
    let combined = field("combined_validation_context");
    let plain = field("validation_context");
    let by_name = field("validation_context_sds_secret_config");
    let default = combined.and_then(|combined| combined.get("default_validation_context"));
    let takes_any = [plain, default].into_iter().flatten().any(|validation| {
        let trust = validation.get("trust_chain_verification");
        trust.and_then(Value::as_str) == Some("ACCEPT_UNTRUSTED")
    });
    context.get("require_client_certificate") == Some(&Value::Bool(true))
        && (combined.is_some() || plain.is_some() || by_name.is_some())
        && !takes_any
}

fn leads_nowhere(chain: &Value) -> bool {
    let filters = chain.get("filters").and_then(Value::as_array);
    let cluster = |filter: &Value| {
        let cluster = filter.pointer("/typed_config/cluster")?;
        Some(cluster.as_str() == Some(BLACK_HOLE))
    };
    let mut clusters = filters.into_iter().flatten().filter_map(cluster);
    clusters.next() == Some(true)
}

/// The policy of a plugin's configuration, which is a text in protobuf's wrapping, if it is the filter's.
fn running(configuration: &Value) -> Option<RunningPolicy> {
    let text = configuration.get("value")?.as_str()?;
    let running: Running = serde_json::from_str(text).ok()?;
    running
        .api_version
        .starts_with("peergate.dev/")
        .then_some(RunningPolicy {
            name: running.policy,
            revision: running.revision,
        })
}
