//! What is shipped to each sidecar: the configuration of the filter, as JSON inside a
//! `WasmPlugin`.
//!
//! Its rules are spelt as in a policy document, so that an operator can read and change them in
//! place. `PluginConfig` → [`CompiledPolicy`](crate::engine::CompiledPolicy) is the only way to a
//! decision, for the filter, the command line, tests and benchmarks alike.

mod along;
mod checked;
mod digest;
mod gateways;
mod names;

#[cfg(feature = "schemars")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::problem::Problem;
use crate::reporting::ReportingSpec;
use crate::rule_spec::{Enforcement, Otherwise, RuleSpec};

pub use along::{ApiVersion, InvalidPolicyName, MeshIdentity, PolicyAlong, PolicyName};
pub(crate) use checked::{CheckedConfig, CheckedPolicy};
pub use digest::PolicyDigest;
#[doc(hidden)]
pub use digest::hex;
pub use gateways::KnownGateway;
pub use gateways::{CertificateValidation, ProxyDescription, ProxyKind};
#[doc(hidden)]
pub use names::{check_policy_name, check_trust_domains};

/// The configuration of one filter: one policy, what of the mesh it needs to know, and the other
/// policies that are for some of the same workloads.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PluginConfig {
    /// A filter refuses a version that it does not know.
    pub api_version: ApiVersion,
    /// Which state of the documents this was rendered from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The identities that the mesh accepts.
    pub mesh: MeshIdentity,
    /// The gateways of the mesh that the policy may apply to: their pods, as
    /// `NAMESPACE/KEY=VALUE,KEY=VALUE`, after `unvalidated:` if their listeners may accept client
    /// certificates that they have not validated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known_gateways: Vec<String>,
    /// Whether the policy applies to gateways only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_gateway: bool,
    /// The policy that the rules come from.
    pub policy: PolicyName,
    /// `Shadow` to let every request pass and only record what the policy would do.
    #[serde(default)]
    pub enforcement: Enforcement,
    /// What the filter reports about decisions, and to whom.
    #[serde(default, skip_serializing_if = "ReportingSpec::is_empty")]
    pub reporting: ReportingSpec,
    /// The key that the ids of decisions are encrypted with: 32 bytes in base64 for URLs, without padding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision_key: Option<String>,
    /// What becomes of a request that no rule matches.
    #[serde(default)]
    pub otherwise: Otherwise,
    /// What the mesh does with a request that every policy leaves to it with `otherwise: Pass`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mesh_otherwise: Otherwise,
    /// The rules.
    pub rules: Vec<RuleSpec>,
    /// Other policies, which this filter enforces along where they are for the same workload.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub along: Vec<PolicyAlong>,
    /// Whether the filter of another policy may enforce this one along. Where it has enforced exactly
    /// these rules, this filter stands aside. Where it has enforced others, this filter adds its own
    /// denials.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub yields: bool,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Why a plugin config is refused.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// There is no configuration at all.
    #[error("the plugin config is empty; render one with `peergate render --only plugin-config`")]
    Empty,
    /// It is not JSON of the expected shape.
    #[error("the plugin config is not valid: {0}")]
    Json(#[from] serde_json::Error),
    /// Its content cannot be accepted.
    #[error("the plugin config is refused: {}", first_of(.0))]
    Refused(Vec<Problem>),
}

fn first_of(problems: &[Problem]) -> String {
    match problems {
        [] => String::new(),
        [only] => only.to_string(),
        [first, rest @ ..] => format!("{first} (and {} more)", rest.len()),
    }
}

impl PluginConfig {
    /// Reads the JSON that the proxy hands to the filter.
    pub fn from_json(json: &[u8]) -> Result<Self, ConfigError> {
        if json.iter().all(u8::is_ascii_whitespace) {
            return Err(ConfigError::Empty);
        }
        Ok(serde_json::from_slice(json)?)
    }

    /// The decision on a request that no rule matches if no other policy selects the workload.
    pub fn otherwise_alone(&self) -> Otherwise {
        match self.otherwise {
            Otherwise::Deny => Otherwise::Deny,
            Otherwise::Pass => self.mesh_otherwise,
        }
    }
}
