//! Reads a proxy's `/config_dump` (Envoy, `admin.v3.ConfigDump`) as a [`Proxy`].
//!
//! A dump also contains warming and refused configuration. Only active configuration that applies
//! to callers counts.

mod callers;
mod elements;
mod metrics;
mod plugins;
#[cfg(test)]
mod tests;

use serde_json::Value;
use thiserror::Error;

use self::callers::{accepts_unvalidated, verifies_callers};
use self::metrics::hides_revisions;
use self::plugins::{passes_tcp_unchecked, read_chain};
use super::object::labels;
use super::proxy::{HttpChain, PlaintextListener, Proxy, Refusal, Role};

use elements::{Named, elements};

/// The cluster for unreachable destinations in Istio's listeners.
const BLACK_HOLE: &str = "BlackHoleCluster";

/// The ports of the listeners for the proxy's own health and metrics in Istio's bootstrap.
const OWN_PORTS: [u64; 2] = [15021, 15090];

/// The direction of listeners for requests to the proxy's workload.
const INBOUND: &str = "INBOUND";

/// The direction of listeners for requests of the workload, and of all listeners of a gateway.
const OUTBOUND: &str = "OUTBOUND";

/// Why a text is not the `/config_dump` of a proxy.
#[derive(Debug, Error)]
pub enum NotAConfigDump {
    /// It is not JSON.
    #[error("expected JSON, found `{0}`")]
    Json(String),
    /// It has no `configs`.
    #[error("missing field `configs`")]
    NoConfigs,
}

impl Proxy {
    /// Parses a `/config_dump`. `name` is used for a proxy that does not report its name.
    pub fn from_config_dump(name: &str, json: &[u8]) -> Result<Self, NotAConfigDump> {
        let dump: Value =
            serde_json::from_slice(json).map_err(|_| NotAConfigDump::Json(excerpt(json)))?;
        let configs = dump.get("configs").and_then(Value::as_array);
        let configs = configs.ok_or(NotAConfigDump::NoConfigs)?;
        let mut proxy = Self {
            name: name.to_owned(),
            ..Self::default()
        };
        let mut named = Named::default();
        for config in configs {
            if let Some(node) = config.pointer("/bootstrap/node") {
                proxy.read_node(node);
            }
            if let Some(matcher) = config.pointer("/bootstrap/stats_config/stats_matcher") {
                proxy.hides_revisions = hides_revisions(matcher);
            }
            named.read(config);
        }
        proxy.lacks_listeners = !configs
            .iter()
            .any(|config| listeners(config).next().is_some());
        for config in configs {
            for listener in listeners(config) {
                proxy.read_listener(listener, &named);
            }
            proxy.read_refusals(config);
        }
        proxy.policies.sort();
        proxy.policies.dedup();
        proxy.plaintext.sort();
        proxy.plaintext.dedup();
        proxy.unvalidated.sort();
        proxy.unvalidated.dedup();
        proxy.chains.sort();
        proxy.chains.dedup();
        proxy.unchecked_tcp.sort();
        proxy.unchecked_tcp.dedup();
        Ok(proxy)
    }

    /// Reads the pod's metadata from Istio's agent.
    fn read_node(&mut self, node: &Value) {
        let text = |pointer| node.pointer(pointer).and_then(Value::as_str);
        let id = text("/id").unwrap_or_default();
        self.role = Role::from_node_id(id);
        // The agent's IDs are `sidecar~ADDRESS~POD~DOMAIN`.
        self.runs_istio_agent = id.split('~').count() == 4;
        self.namespace = text("/metadata/NAMESPACE").map(str::to_owned);
        let metadata = node.pointer("/metadata/LABELS");
        self.labels = metadata.map(|metadata| labels(Some(metadata)));
        if let (Some(name), Some(namespace)) = (text("/metadata/NAME"), &self.namespace) {
            self.name = format!("{namespace}/{name}");
        }
    }

    fn read_listener(&mut self, listener: &Value, named: &Named<'_>) {
        let direction = direction(listener);
        if direction.is_none() && !is_proxy_internal(listener) {
            self.undirected.push(name_of(listener));
        }
        if self.serves_callers(direction) {
            for chain in chains(listener) {
                self.read_policies(listener, chain, named);
            }
            if self.role == Role::Gateway {
                let accepts_any = chains(listener)
                    .filter_map(|chain| chain.pointer("/transport_socket/typed_config"))
                    .any(|context| accepts_unvalidated(context, &named.validations));
                self.unvalidated
                    .extend(accepts_any.then(|| name_of(listener)));
            }
        }
        if direction == Some(INBOUND) {
            self.read_plaintext(listener, named);
            let unchecked = chains(listener)
                .filter(|chain| passes_tcp_unchecked(chain) && !leads_nowhere(chain));
            self.unchecked_tcp
                .extend(unchecked.map(|chain| title(listener, chain)));
        }
    }

    fn read_policies(&mut self, listener: &Value, chain: &Value, named: &Named<'_>) {
        let Some(read_chain) = read_chain(chain, named) else {
            return;
        };
        let policies = read_chain.policies;
        self.chains.push(HttpChain {
            title: title(listener, chain),
            policies: policies.iter().map(|policy| policy.name.clone()).collect(),
            has_rbac: read_chain.has_rbac,
            normalization: read_chain.normalization,
            ignores_path_parameters: read_chain.ignores_path_parameters,
        });
        self.policies.extend(policies);
    }

    fn read_plaintext(&mut self, listener: &Value, named: &Named<'_>) {
        for chain in chains(listener) {
            let context = chain.pointer("/transport_socket/typed_config");
            let is_verified =
                context.is_some_and(|context| verifies_callers(context, &named.validations));
            if is_verified || leads_nowhere(chain) {
                continue;
            }
            self.plaintext.push(PlaintextListener {
                name: name_of(listener),
                port: port_of(chain),
                has_tls: context.is_some(),
            });
        }
    }

    /// Whether listeners of this direction serve callers. Istio marks all listeners of its gateways
    /// as outbound.
    fn serves_callers(&self, direction: Option<&str>) -> bool {
        match direction {
            Some(INBOUND) => true,
            Some(OUTBOUND) => self.role == Role::Gateway,
            _ => false,
        }
    }

    /// Reads refused configuration that applies to callers.
    fn read_refusals(&mut self, config: &Value) {
        for listener in elements(config, "dynamic_listeners") {
            let Some(error) = listener.get("error_state") else {
                continue;
            };
            let failed = error.get("failed_configuration");
            let listener_value = failed.or_else(|| listener.pointer("/active_state/listener"));
            // A listener without a direction may serve callers.
            let direction = listener_value.and_then(direction);
            let is_for_callers = direction.is_none() || self.serves_callers(direction);
            // Envoy may have two entries for one refusal, one of them without a name.
            let named = [Some(listener), failed].into_iter().flatten();
            let name = named.map(name_of).find(|name| !name.is_empty());
            let refusal = refusal("listener", name.unwrap_or_default(), error);
            if is_for_callers && !self.refused.contains(&refusal) {
                self.refused.push(refusal);
            }
        }
        for filter in elements(config, "ecds_filters") {
            if let Some(error) = filter.get("error_state") {
                let name = filter.pointer("/ecds_filter/name");
                let name = name.and_then(Value::as_str).unwrap_or_default();
                self.refused.push(refusal("filter", name.to_owned(), error));
            }
        }
    }
}

/// The active listeners.
fn listeners(config: &Value) -> impl Iterator<Item = &Value> {
    let fixed = elements(config, "static_listeners");
    let dynamic = elements(config, "dynamic_listeners");
    fixed
        .filter_map(|listener| listener.get("listener"))
        .chain(dynamic.filter_map(|listener| listener.pointer("/active_state/listener")))
}

fn chains(listener: &Value) -> impl Iterator<Item = &Value> {
    elements(listener, "filter_chains").chain(listener.get("default_filter_chain"))
}

/// The direction of a listener, if it has one.
fn direction(listener: &Value) -> Option<&str> {
    let direction = listener.get("traffic_direction").and_then(Value::as_str);
    direction.filter(|direction| *direction != "UNSPECIFIED")
}

/// Whether a listener reports about the proxy, or is only reachable from the proxy itself.
fn is_proxy_internal(listener: &Value) -> bool {
    let port = listener.pointer("/address/socket_address/port_value");
    let port = port.and_then(Value::as_u64);
    port.is_some_and(|port| OWN_PORTS.contains(&port))
        || listener.get("internal_listener").is_some()
}

fn refusal(kind: &'static str, name: String, error: &Value) -> Refusal {
    let reason = error.get("details").and_then(Value::as_str);
    let reason = reason.map_or_else(|| "no reason given".to_owned(), one_line);
    Refusal { kind, name, reason }
}

fn name_of(value: &Value) -> String {
    let name = value.get("name").and_then(Value::as_str);
    name.unwrap_or_default().to_owned()
}

/// A title for a part of a listener.
fn title(listener: &Value, chain: &Value) -> String {
    let of_listener = name_of(listener);
    match (name_of(chain), port_of(chain)) {
        (name, None) if name.is_empty() || name == of_listener => of_listener,
        (name, None) => format!("{of_listener}, chain {name}"),
        (_, Some(port)) => format!("{of_listener}, port {port}"),
    }
}

fn port_of(chain: &Value) -> Option<u16> {
    let port = chain.pointer("/filter_chain_match/destination_port")?;
    u16::try_from(port.as_u64()?).ok()
}

/// The start of an unexpected text, on one line.
fn excerpt(text: &[u8]) -> String {
    const MAX_CHARS: usize = 200;
    let text = text.get(..4 * MAX_CHARS).unwrap_or(text);
    let text = String::from_utf8_lossy(text);
    let words = one_line(&text);
    match words.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", words.get(..end).unwrap_or_default()),
        None => words,
    }
}

/// Joins Envoy's multi-line messages.
fn one_line(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ")
}

fn leads_nowhere(chain: &Value) -> bool {
    let cluster = |filter: &Value| {
        let cluster = filter.pointer("/typed_config/cluster")?;
        Some(cluster.as_str() == Some(BLACK_HOLE))
    };
    let mut clusters = elements(chain, "filters").filter_map(cluster);
    clusters.next() == Some(true)
}
