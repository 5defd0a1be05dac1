//! Policy → the HTTP filter of a plain Envoy, for those who run it without Istio.

use serde::Serialize;

use crate::plugin_config::PluginConfig;
use crate::policy::{PolicySet, ServicePolicy};

/// An entry for `http_filters` of Envoy's HTTP connection manager
/// (`envoy.extensions.filters.http.wasm.v3.Wasm`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HttpFilter {
    name: &'static str,
    typed_config: Wasm,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Wasm {
    #[serde(rename = "@type")]
    type_url: &'static str,
    config: Plugin,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Plugin {
    name: String,
    root_id: &'static str,
    failure_policy: &'static str,
    vm_config: Vm,
    configuration: StringValue,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Vm {
    runtime: &'static str,
    code: Code,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Code {
    local: DataSource,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct DataSource {
    filename: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct StringValue {
    #[serde(rename = "@type")]
    type_url: &'static str,
    value: String,
}

/// The filter that enforces `policy` with the module at `module_path`, a path that Envoy can
/// read.
pub fn http_filter(
    set: &PolicySet,
    policy: &ServicePolicy,
    module_path: &str,
) -> Result<HttpFilter, serde_json::Error> {
    let config = PluginConfig::of_policy(set, policy);
    let plugin_config = serde_json::to_string_pretty(&config)?;
    Ok(http_filter_of_config(
        &config.policy.to_string(),
        plugin_config,
        module_path,
    ))
}

/// The filter with a plugin config as it is, sound or not.
pub fn http_filter_of_config(
    plugin_name: &str,
    plugin_config: String,
    module_path: &str,
) -> HttpFilter {
    HttpFilter {
        name: "peergate",
        typed_config: Wasm {
            type_url: "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            config: Plugin {
                name: plugin_name.to_owned(),
                root_id: "peergate",
                failure_policy: "FAIL_RELOAD",
                vm_config: Vm {
                    runtime: "envoy.wasm.runtime.v8",
                    code: Code {
                        local: DataSource {
                            filename: module_path.to_owned(),
                        },
                    },
                },
                configuration: StringValue {
                    type_url: "type.googleapis.com/google.protobuf.StringValue",
                    value: plugin_config,
                },
            },
        },
    }
}
