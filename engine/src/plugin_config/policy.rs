//! Parts of a plugin config: the mesh's identities and its policies.

use crate::rule_spec::{Enforcement, Otherwise, RuleSpec};
#[cfg(feature = "schemars")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// The version of the policy language, shared by documents and plugin configs.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(JsonSchema))]
pub enum ApiVersion {
    /// The first version.
    #[default]
    #[serde(rename = "peergate.dev/v1alpha1")]
    V1Alpha1,
}

/// A follower: a policy that the filter of another policy enforces.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CoEnforcedPolicy {
    /// The policy's name.
    pub policy: PolicyName,
    /// The labels of its workloads, all of which must match. Empty for every workload.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,
    /// Whether it applies to gateways only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_gateway: bool,
    /// `Shadow` to only record which rules match.
    #[serde(default)]
    pub enforcement: Enforcement,
    /// What happens to a request that no rule matches. If any policy has `Deny`, it is denied.
    #[serde(default)]
    pub otherwise: Otherwise,
    /// The rules.
    pub rules: Vec<RuleSpec>,
}

/// The identities of the mesh and its gateways.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MeshIdentity {
    /// The mesh's own trust domain.
    pub trust_domain: String,
    /// Other trust domains of the same mesh.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trust_domain_aliases: Vec<String>,
    /// The service accounts of the mesh's gateways, as `NAMESPACE/NAME`, in any of its trust
    /// domains. Requests from a gateway come from outside the mesh, so replies disclose no more
    /// than to strangers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gateways: Vec<String>,
}

/// The name of a policy.
#[derive(Clone, Debug, Deserialize, Hash, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schemars", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyName {
    /// The Kubernetes namespace.
    pub namespace: String,
    /// The name, unique in its namespace.
    pub name: String,
}

impl PolicyName {
    /// Namespace and name, for comparison and sorting.
    pub fn as_pair(&self) -> (&str, &str) {
        (&self.namespace, &self.name)
    }
}

/// A text that is not the name of a policy: it has no `/`, or no text before or after the first
/// one.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("expected the policy as `NAMESPACE/NAME`")]
pub struct InvalidPolicyName;

impl FromStr for PolicyName {
    type Err = InvalidPolicyName;

    /// Parses `NAMESPACE/NAME`, without checking whether Kubernetes accepts the names.
    fn from_str(text: &str) -> Result<Self, InvalidPolicyName> {
        match text.split_once('/') {
            Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => Ok(Self {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            }),
            _ => Err(InvalidPolicyName),
        }
    }
}

impl fmt::Display for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_displayed_policy_names() {
        for text in ["shop/cart", "shop/cart.v1", "shop/cart/v1"] {
            let name: PolicyName = text.parse().unwrap();
            assert_eq!((&*name.namespace, &*name.to_string()), ("shop", text));
        }
        for text in ["", "/", "cart", "shop_cart", "shop/", "/cart"] {
            assert_eq!(text.parse::<PolicyName>(), Err(InvalidPolicyName), "{text}");
        }
    }
}
