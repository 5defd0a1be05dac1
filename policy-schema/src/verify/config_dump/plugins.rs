//! A filter chain → the policies that its requests meet.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::elements;
use crate::plugin_config::PolicyName;
use crate::verify::proxies::RunningPolicy;

/// The part of a plugin config that tells which it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Running {
    api_version: String,
    policy: PolicyName,
    revision: Option<String>,
}

/// The policies of the chain's HTTP filters that are on for every request. `discovered` are the filters
/// that came by discovery, by their names.
pub(super) fn policies(chain: &Value, discovered: &BTreeMap<&str, &Value>) -> Vec<RunningPolicy> {
    let managers = elements(chain, "filters").filter_map(|filter| filter.get("typed_config"));
    managers
        .flat_map(|manager| {
            let routes = manager.get("route_config");
            let filters = elements(manager, "http_filters");
            filters.filter(move |filter| !is_off(filter, routes))
        })
        .filter_map(|filter| {
            let plugin = if filter.get("config_discovery").is_some() {
                *discovered.get(filter.get("name")?.as_str()?)?
            } else {
                filter.get("typed_config")?
            };
            running(plugin.pointer("/config/configuration")?)
        })
        .collect()
}

/// Whether a filter is off, for all requests or for those of a route.
fn is_off(filter: &Value, routes: Option<&Value>) -> bool {
    let name = filter.get("name").and_then(Value::as_str);
    filter.get("disabled") == Some(&Value::Bool(true))
        || name
            .zip(routes)
            .is_some_and(|(name, routes)| is_off_in(routes, name))
}

/// Virtual hosts, routes and clusters of routes can each have settings for filters.
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
