//! Renders a plugin config to the filter of a plain Envoy.

use serde::Serialize;

use crate::policy::FilterFailure;

/// An entry for `http_filters` of Envoy's HTTP connection manager
/// (`envoy.extensions.filters.http.wasm.v3.Wasm`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WasmFilter {
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

/// The filter with this plugin config, which is not validated.
pub fn wasm_filter(
    plugin_name: &str,
    plugin_config: String,
    module_path: &str,
    failure: FilterFailure,
) -> WasmFilter {
    WasmFilter {
        name: "peergate",
        typed_config: Wasm {
            type_url: "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            config: Plugin {
                name: plugin_name.to_owned(),
                root_id: "peergate",
                failure_policy: match failure {
                    FilterFailure::Deny => "FAIL_RELOAD",
                    FilterFailure::Pass => "FAIL_OPEN",
                },
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
