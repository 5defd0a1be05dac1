//! Determines which policies apply to the requests of a filter chain.

use serde::Deserialize;
use serde_json::Value;

use super::{Named, elements};
use crate::document::PathNormalization;
use crate::plugin_config::PolicyName;
use crate::verify::path_handling::{ignores_path_parameters, normalization_of};
use crate::verify::proxy::RunningPolicy;

/// The fields of a plugin config that identify it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Running {
    api_version: String,
    policy: PolicyName,
    revision: Option<String>,
}

/// What applies to the requests of a filter chain.
pub(super) struct ChainContent {
    pub(super) policies: Vec<RunningPolicy>,
    pub(super) has_rbac: bool,
    /// The path normalization. None if Istio has no such mode.
    pub(super) normalization: Option<PathNormalization>,
    pub(super) ignores_path_parameters: bool,
}

/// What applies to the requests of a filter chain. None if it does not speak HTTP, or accepts only
/// tunnels.
pub(super) fn read_chain(chain: &Value, named: &Named<'_>) -> Option<ChainContent> {
    let managers = elements(chain, "filters").filter_map(|filter| filter.get("typed_config"));
    let mut managers = managers
        .filter(|manager| manager.get("http_filters").is_some())
        .map(|manager| (manager, routes(manager, named)))
        .filter(|(_, routes)| !routes.is_some_and(accepts_only_tunnels))
        .peekable();
    managers.peek()?;
    let managers: Vec<_> = managers.collect();
    let mut read_chain = ChainContent {
        policies: Vec::new(),
        has_rbac: false,
        normalization: common(
            managers
                .iter()
                .map(|(manager, _)| normalization_of(manager)),
        ),
        ignores_path_parameters: managers
            .iter()
            .any(|(_, routes)| routes.is_some_and(ignores_path_parameters)),
    };
    let filters = managers.into_iter().flat_map(|(manager, routes)| {
        let filters = elements(manager, "http_filters");
        filters.filter(move |filter| !is_off(filter, routes))
    });
    for filter in filters {
        let (config, sent) = if filter.get("config_discovery").is_some() {
            let name = filter.get("name").and_then(Value::as_str);
            let discovered = name.and_then(|name| named.filters.get(name));
            discovered.map_or((None, None), |filter| (Some(filter.config), filter.sent))
        } else {
            (filter.get("typed_config"), None)
        };
        if let Some(config) = config {
            read_chain.has_rbac |= is_enforcing_rbac(config);
            let running = config.get("config").and_then(running);
            read_chain
                .policies
                .extend(running.map(|policy| RunningPolicy { sent, ..policy }));
        }
    }
    Some(read_chain)
}

/// The common value. None if the values differ.
fn common<T: PartialEq>(mut values: impl Iterator<Item = Option<T>>) -> Option<T> {
    let first = values.next()??;
    values
        .all(|value| value.as_ref() == Some(&first))
        .then_some(first)
}

/// Whether a filter chain forwards connections without HTTP and without RBAC.
pub(super) fn passes_tcp_unchecked(chain: &Value) -> bool {
    let is_of = |filter: &Value, kind: &str| {
        let own = filter
            .pointer("/typed_config/@type")
            .and_then(Value::as_str);
        own.is_some_and(|own| own.ends_with(kind))
    };
    let filters = || elements(chain, "filters");
    filters().any(|filter| is_of(filter, ".tcp_proxy.v3.TcpProxy"))
        && !filters().any(|filter| {
            is_of(filter, ".rbac.v3.RBAC") && filter.get("typed_config").is_some_and(has_rules)
        })
}

/// Whether a filter is RBAC with enforced rules.
fn is_enforcing_rbac(config: &Value) -> bool {
    let kind = config.get("@type").and_then(Value::as_str);
    kind.is_some_and(|kind| kind.ends_with(".http.rbac.v3.RBAC")) && has_rules(config)
}

/// Whether RBAC has enforced rules.
fn has_rules(config: &Value) -> bool {
    config.get("rules").is_some() || config.get("matcher").is_some()
}

/// The routes of a connection manager, inline or discovered.
fn routes<'d>(manager: &'d Value, named: &Named<'d>) -> Option<&'d Value> {
    let by_name = || {
        let name = manager.pointer("/rds/route_config_name")?.as_str()?;
        named.routes.get(name).copied()
    };
    manager.get("route_config").or_else(by_name)
}

/// Whether these routes accept only tunnels. Policies then apply where the tunnel ends.
fn accepts_only_tunnels(routes: &Value) -> bool {
    let mut routes = elements(routes, "virtual_hosts")
        .flat_map(|host| elements(host, "routes"))
        .peekable();
    routes.peek().is_some() && routes.all(|route| route.pointer("/match/connect_matcher").is_some())
}

/// Whether a filter is disabled, for all requests or for those of a route.
fn is_off(filter: &Value, routes: Option<&Value>) -> bool {
    let name = filter.get("name").and_then(Value::as_str);
    filter.get("disabled") == Some(&Value::Bool(true))
        || name
            .zip(routes)
            .is_some_and(|(name, routes)| is_off_in(routes, name))
}

/// Whether a virtual host, a route or a weighted cluster disables the filter.
fn is_off_in(routes: &Value, filter: &str) -> bool {
    match routes {
        Value::Array(elements) => elements.iter().any(|element| is_off_in(element, filter)),
        Value::Object(fields) => {
            let of_filters = fields.get("typed_per_filter_config");
            let own = of_filters.and_then(|filters| filters.get(filter));
            own.and_then(|own| own.get("disabled")) == Some(&Value::Bool(true))
                || fields.values().any(|field| is_off_in(field, filter))
        }
        _ => false,
    }
}

/// The policy of a plugin, if the plugin is the filter. Its plugin config is a string in a protobuf
/// wrapper.
fn running(plugin: &Value) -> Option<RunningPolicy> {
    let text = plugin.pointer("/configuration/value")?.as_str()?;
    let running: Running = serde_json::from_str(text).ok()?;
    let on_failure = plugin.get("failure_policy").and_then(Value::as_str);
    running
        .api_version
        .starts_with("peergate.dev/")
        .then_some(RunningPolicy {
            name: running.policy,
            revision: running.revision,
            sent: None,
            fails_open: plugin.get("fail_open") == Some(&Value::Bool(true))
                || on_failure == Some("FAIL_OPEN"),
        })
}
