//! The HTTP filters of each row.

mod lua;
mod rbac_matcher;

use std::path::{Path, PathBuf};

use policy_schema::envoy::wasm_filter;
use policy_schema::policy::FilterFailure;
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::error::BenchError;
use crate::measured_policy::MeasuredPolicy;
use crate::policies::Shape;
use crate::rows::{Enforcement, Row};

/// The cluster of the `ext_authz` server.
pub const AUTHORIZER_CLUSTER: &str = "authorizer";

/// The Wasm modules.
#[derive(Clone, Debug)]
pub struct Modules {
    /// Peergate's filter. The other modules are in the same folder.
    pub filter: PathBuf,
    /// Modules of [`Enforcement::Module`] rows.
    pub extra: Vec<ExtraModule>,
}

/// A module from the command line.
#[derive(Clone, Debug)]
pub struct ExtraModule {
    /// The name of its row.
    pub name: String,
    /// The module.
    pub module: PathBuf,
    /// The file with its configuration.
    pub config: PathBuf,
}

impl Modules {
    /// The HTTP filters of a row, in order, without the router.
    pub fn filters(&self, row: &Row, policy: &MeasuredPolicy) -> Result<Vec<Value>, BenchError> {
        match row.enforcement {
            Enforcement::None => Ok(Vec::new()),
            Enforcement::Rbac => policy.rbac(),
            Enforcement::RbacMatcher => Ok(vec![rbac_matcher::filter(policy)]),
            Enforcement::Lua => Ok(vec![lua::filter(policy)]),
            Enforcement::ExtAuthz => Ok(vec![ext_authz()]),
            Enforcement::SdkNoOp => Ok(vec![self.built("bench_noop.wasm", String::new())?]),
            Enforcement::Floor => Ok(vec![self.built("bench_floor.wasm", allowlist(policy))?]),
            Enforcement::Peergate => Ok(vec![wasm(policy.plugin_config()?, &self.filter)?]),
            Enforcement::PeergateAndRbac => {
                let filter = wasm(policy.plugin_config()?, &self.filter)?;
                Ok(std::iter::once(filter).chain(policy.rbac()?).collect())
            }
            Enforcement::ComparingAndRbac => {
                let config = policy.plugin_config()?;
                let filter = self.built("peergate_filter_comparing.wasm", config)?;
                Ok(std::iter::once(filter).chain(policy.rbac()?).collect())
            }
            Enforcement::Module => {
                let extra = self.extra.iter().find(|extra| extra.name == row.name);
                let extra = extra.ok_or_else(|| BenchError::NoRow(row.name.clone()))?;
                let config = std::fs::read_to_string(&extra.config)
                    .map_err(BenchError::file(&extra.config))?;
                Ok(vec![wasm(config, &extra.module)?])
            }
        }
    }

    /// A filter of a module beside Peergate's.
    fn built(&self, name: &str, config: String) -> Result<Value, BenchError> {
        wasm(config, &self.filter.with_file_name(name))
    }
}

fn wasm(config: String, module: &Path) -> Result<Value, BenchError> {
    let module = module.canonicalize().map_err(BenchError::file(module))?;
    let filter = wasm_filter(
        "bench",
        config,
        &module.to_string_lossy(),
        FilterFailure::Deny,
    );
    Ok(serde_json::to_value(filter)?)
}

/// The configuration of the hand-written filter.
fn allowlist(policy: &MeasuredPolicy) -> String {
    let lines = policy
        .callers()
        .map(|Caller { id, path }| match policy.shape() {
            Shape::Identity => format!("{id}\n"),
            Shape::Request => format!("{id} GET {path}\n"),
        });
    lines.collect()
}

fn ext_authz() -> Value {
    json!({
        "name": "envoy.filters.http.ext_authz",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
            "transport_api_version": "V3",
            "grpc_service": {
                "envoy_grpc": { "cluster_name": AUTHORIZER_CLUSTER },
                "timeout": "5s",
            },
        },
    })
}
