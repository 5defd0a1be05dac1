//! The configuration of the filter, as JSON in a `WasmPlugin`.
//!
//! Rules have the same syntax as in policy documents, so that operators can read and edit them in
//! place. `PluginConfig` → [`CompiledPolicy`](crate::engine::CompiledPolicy) is the only way to a
//! decision: for the filter, the command line, tests and benchmarks.

mod checked;
mod digest;
mod gateways;
mod names;
mod policy;

#[cfg(feature = "schemars")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::json::{self, JsonError};
use crate::problem::Problem;
use crate::reporting::ReportingSpec;
use crate::rule_spec::{Enforcement, Otherwise, RuleSpec};

pub(crate) use checked::{CheckedConfig, CheckedPolicy};
pub use digest::PolicyDigest;
#[doc(hidden)]
pub use digest::hex;
pub use gateways::KnownGateway;
pub use gateways::{CertificateValidation, ProxyDescription, ProxyKind};
#[doc(hidden)]
pub use names::{check_policy_name, check_trust_domains};
pub use policy::{ApiVersion, CoEnforcedPolicy, InvalidPolicyName, MeshIdentity, PolicyName};

/// The configuration of one filter: a policy, the settings of the mesh that it needs, and the other
/// policies for the same workloads.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PluginConfig {
    /// The version of the format. A filter rejects versions that it does not know.
    pub api_version: ApiVersion,
    /// The revision of the documents that this was rendered from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The identities that the mesh accepts.
    pub mesh: MeshIdentity,
    /// The gateways that the policy may apply to: their pods, as `NAMESPACE/KEY=VALUE,KEY=VALUE`.
    /// The prefix `unvalidated:` marks gateways whose listeners may accept client certificates
    /// without validation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known_gateways: Vec<String>,
    /// Whether the policy applies to gateways only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_gateway: bool,
    /// The policy that contains the rules.
    pub policy: PolicyName,
    /// `Shadow` to let every request pass and only record decisions.
    #[serde(default)]
    pub enforcement: Enforcement,
    /// What the filter reports about decisions, and to whom.
    #[serde(default, skip_serializing_if = "ReportingSpec::is_empty")]
    pub reporting: ReportingSpec,
    /// The key that seals decision IDs: 32 bytes in base64url, without padding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision_key: Option<String>,
    /// What happens to a request that no rule matches.
    #[serde(default)]
    pub otherwise: Otherwise,
    /// The mesh's default for requests that every policy passes on with `otherwise: Pass`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mesh_otherwise: Otherwise,
    /// The rules.
    pub rules: Vec<RuleSpec>,
    /// The followers: other policies that this filter enforces on workloads that they select.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub co_enforced: Vec<CoEnforcedPolicy>,
    /// Whether the filter of another policy may lead. If the leader has enforced exactly these
    /// rules, this filter does nothing. If it has enforced another version, this filter adds its
    /// own denials.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_be_led: bool,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Why a plugin config is rejected.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The configuration is empty.
    #[error("the plugin config is empty; render one with `peergate render --only plugin-config`")]
    Empty,
    /// It is not JSON of the expected shape.
    #[error("invalid plugin config: {0}")]
    Json(#[from] JsonError),
    /// Its content is invalid.
    #[error("invalid plugin config: {}", summarize(.0))]
    Refused(Vec<Problem>),
}

fn summarize(problems: &[Problem]) -> String {
    match problems {
        [] => String::new(),
        [only] => only.to_string(),
        [first, rest @ ..] => format!("{first} (and {} more)", rest.len()),
    }
}

impl PluginConfig {
    /// Parses the JSON that the proxy passes to the filter.
    pub fn from_json(json: &[u8]) -> Result<Self, ConfigError> {
        if json.iter().all(u8::is_ascii_whitespace) {
            return Err(ConfigError::Empty);
        }
        Ok(json::from_slice(json)?)
    }

    /// The decision for a request that no rule matches, if no other policy selects the workload.
    pub fn otherwise_alone(&self) -> Otherwise {
        match self.otherwise {
            Otherwise::Deny => Otherwise::Deny,
            Otherwise::Pass => self.mesh_otherwise,
        }
    }
}
