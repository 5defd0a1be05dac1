//! The filter as an HTTP filter of a real proxy.

use std::path::{Path, PathBuf};

use policy_schema::envoy::wasm_filter;
use policy_schema::policy::FilterFailure;
use serde_json::Value;

/// The filter of a policy, named `NAMESPACE/NAME`, with its plugin config.
pub(crate) fn http_filter(policy: &str, plugin_config: String) -> Value {
    let filter = wasm_filter(
        policy,
        plugin_config,
        module().to_str().unwrap(),
        FilterFailure::Deny,
    );
    serde_json::to_value(filter).unwrap()
}

/// The module that `make filter` builds, or the one at `PEERGATE_FILTER`.
fn module() -> PathBuf {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/filter/peergate_filter.wasm");
    std::env::var_os("PEERGATE_FILTER").map_or(built, PathBuf::from)
}
