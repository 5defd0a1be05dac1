//! Builds the plugin config of a policy.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use super::{Labels, PolicySet, ServicePolicy, extra_labels};
use crate::plugin_config::{ApiVersion, CoEnforcedPolicy, MeshIdentity, PluginConfig, PolicyName};
use crate::rule_spec::{Otherwise, RuleSpec};
use crate::telemetry::RevisionNumber;

/// A policy with its plugin config and revision. Everything rendered for a policy is rendered from
/// this, so that the config is built once.
#[derive(Clone, Debug)]
pub struct Rollout<'s> {
    pub(crate) set: &'s PolicySet,
    pub(crate) policy: &'s ServicePolicy,
    config: PluginConfig,
    revision: RevisionNumber,
}

impl<'s> Rollout<'s> {
    /// The policy.
    pub fn policy(&self) -> &'s ServicePolicy {
        self.policy
    }

    /// The plugin config of the policy, including its followers.
    pub fn config(&self) -> &PluginConfig {
        &self.config
    }

    /// A digest of the plugin config. It is the same for equal policies, and changes with
    /// everything that the filter could notice.
    pub fn revision(&self) -> RevisionNumber {
        self.revision
    }
}

impl PolicySet {
    /// The plugin config of `policy`, with its revision.
    pub fn rollout<'s>(&'s self, policy: &'s ServicePolicy) -> Rollout<'s> {
        let followers = policy.followers.iter().filter_map(|follower| {
            let other = self.policies.get(*follower)?;
            Some(CoEnforcedPolicy {
                match_labels: extra_labels(policy, other),
                ..self.follower_config(other)
            })
        });
        let mut config = PluginConfig {
            co_enforced: followers.collect(),
            ..self.plugin_config_in(self.mesh_identity(), policy)
        };
        let revision = revision_of(&config);
        config.revision = Some(revision.to_string());
        // Not part of the revision: users without the key must get the same revision.
        let key = self.decision_key_of(&policy.name);
        config.decision_key = key.map(|key| key.to_base64());
        Rollout {
            set: self,
            policy,
            config,
            revision,
        }
    }

    /// The plugin config of `policy`, see [`Rollout::config`].
    pub fn plugin_config(&self, policy: &ServicePolicy) -> PluginConfig {
        self.rollout(policy).config
    }

    /// The current revisions of these policies. Policies that the set lacks are left out.
    pub fn revisions<'n>(
        &self,
        names: impl IntoIterator<Item = &'n PolicyName>,
    ) -> BTreeMap<&'n PolicyName, RevisionNumber> {
        let names: BTreeSet<_> = names.into_iter().collect();
        let revision = |name: &'n PolicyName| {
            let policy = self.policy(&name.namespace, &name.name)?;
            Some((name, self.rollout(policy).revision))
        };
        names.into_iter().filter_map(revision).collect()
    }

    /// The plugin config without followers and revision. All configs share `identity`, the identity
    /// of the mesh.
    pub(crate) fn plugin_config_in(
        &self,
        identity: MeshIdentity,
        policy: &ServicePolicy,
    ) -> PluginConfig {
        let mesh = &self.mesh;
        PluginConfig {
            api_version: ApiVersion::V1Alpha1,
            revision: None,
            mesh: identity,
            known_gateways: mesh.known_gateways(&policy.name.namespace, &policy.attachment),
            at_gateway: mesh.is_at_gateway(&policy.name.namespace, &policy.attachment),
            policy: policy.name.clone(),
            enforcement: policy.enforcement,
            reporting: mesh.reporting.clone(),
            decision_key: None,
            otherwise: policy.otherwise,
            // Keep the default if the value makes no difference.
            mesh_otherwise: match policy.otherwise {
                Otherwise::Deny => Otherwise::Deny,
                Otherwise::Pass => mesh.otherwise,
            },
            rules: rules_of(policy),
            co_enforced: Vec::new(),
            may_be_led: policy.rank > 0,
        }
    }

    /// The settings of the mesh that filters need.
    pub(crate) fn mesh_identity(&self) -> MeshIdentity {
        let mesh = &self.mesh;
        MeshIdentity {
            trust_domain: mesh.trust_domains.own().to_owned(),
            trust_domain_aliases: mesh.trust_domains.aliases().map(str::to_owned).collect(),
            gateways: mesh.gateway_accounts(),
        }
    }

    /// The plugin config of a follower.
    pub(crate) fn follower_config(&self, policy: &ServicePolicy) -> CoEnforcedPolicy {
        let mesh = &self.mesh;
        CoEnforcedPolicy {
            policy: policy.name.clone(),
            match_labels: Labels::new(),
            at_gateway: mesh.is_at_gateway(&policy.name.namespace, &policy.attachment),
            enforcement: policy.enforcement,
            otherwise: policy.otherwise,
            rules: rules_of(policy),
        }
    }
}

fn revision_of(config: &PluginConfig) -> RevisionNumber {
    // A struct of strings, numbers and lists always serializes. If it failed, the digest of nothing
    // would still be a valid revision.
    let content = serde_json::to_vec(config).unwrap_or_default();
    RevisionNumber::from_digest(&Sha256::digest(content))
}

/// The rules for the filter. Descriptions are omitted: they would take memory in every sidecar.
fn rules_of(policy: &ServicePolicy) -> Vec<RuleSpec> {
    let rules = policy.rules.iter().map(|rule| RuleSpec {
        description: None,
        ..RuleSpec::from(rule)
    });
    rules.collect()
}
