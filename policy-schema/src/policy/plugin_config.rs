//! Policy → plugin config.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use super::{Labels, PolicySet, ServicePolicy, labels_beyond};
use crate::plugin_config::{ApiVersion, CoEnforcedPolicy, MeshIdentity, PluginConfig, PolicyName};
use crate::rule_spec::{Otherwise, RuleSpec};
use crate::telemetry::RevisionNumber;

/// What a policy ships: its plugin config, complete with its revision. Everything that is rendered of a policy is
/// rendered of this, so that it is made once.
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

    /// The configuration that makes the filter enforce the policy, and along with it the others of the set that are
    /// for the same workloads.
    pub fn config(&self) -> &PluginConfig {
        &self.config
    }

    /// A name for the content of the configuration: equal for equal policies, whoever renders them, and different
    /// after any change that a filter could notice.
    pub fn revision(&self) -> RevisionNumber {
        self.revision
    }
}

impl PolicySet {
    /// What `policy` ships.
    pub fn rollout<'s>(&'s self, policy: &'s ServicePolicy) -> Rollout<'s> {
        let along = policy.along.iter().filter_map(|along| {
            let other = self.policies.get(*along)?;
            Some(CoEnforcedPolicy {
                match_labels: labels_beyond(policy, other),
                ..self.policy_along(other)
            })
        });
        let mut config = PluginConfig {
            co_enforced: along.collect(),
            ..self.plugin_config_in(self.mesh_identity(), policy)
        };
        let revision = revision_of(&config);
        config.revision = Some(revision.to_string());
        // Not part of the revision: who may not know the key must come to the same.
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

    /// The revisions of those policies that the set has.
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

    /// The same without the others and without a revision, and with this as the identity of the mesh, which is
    /// alike in all configurations.
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
            // Left at its default where it makes no difference.
            mesh_otherwise: match policy.otherwise {
                Otherwise::Deny => Otherwise::Deny,
                Otherwise::Pass => mesh.otherwise,
            },
            rules: rules_of(policy),
            co_enforced: Vec::new(),
            may_be_led: policy.rank > 0,
        }
    }

    /// What filters get of the mesh.
    pub(crate) fn mesh_identity(&self) -> MeshIdentity {
        let mesh = &self.mesh;
        MeshIdentity {
            trust_domain: mesh.trust_domains.own().to_owned(),
            trust_domain_aliases: mesh.trust_domains.aliases().map(str::to_owned).collect(),
            gateways: mesh.gateway_accounts(),
        }
    }

    /// A policy that another's filter enforces on all of its workloads.
    pub(crate) fn policy_along(&self, policy: &ServicePolicy) -> CoEnforcedPolicy {
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
    // A struct of texts, numbers and lists always serialises; the digest of nothing would still
    // only be a name.
    let content = serde_json::to_vec(config).unwrap_or_default();
    RevisionNumber::from_digest(&Sha256::digest(content))
}

/// The rules as a filter gets them. Descriptions stay behind: they are for readers of the document,
/// and every sidecar would hold them in memory.
fn rules_of(policy: &ServicePolicy) -> Vec<RuleSpec> {
    let rules = policy.rules.iter().map(|rule| RuleSpec {
        description: None,
        ..RuleSpec::from(rule)
    });
    rules.collect()
}
