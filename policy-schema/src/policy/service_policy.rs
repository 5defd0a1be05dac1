//! A validated policy.

use std::collections::BTreeMap;

use super::attachment::Attachment;
use super::edge::Exposure;
use super::mesh::Mesh;
use super::service::{ExternalHost, Service};
use super::shared_tcp_port::SharedTcpPort;
use crate::plugin_config::PolicyName;
use crate::rule::Rule;
use crate::rule_spec::{Enforcement, Otherwise, RuleSpec};
use crate::timestamp::{Phase, Timestamp};

/// The policy of a workload, a namespace, a gateway or the whole mesh.
#[derive(Clone, Debug)]
pub struct ServicePolicy {
    pub(crate) name: PolicyName,
    /// The position of its text among those that were validated.
    pub(crate) source: usize,
    pub(crate) attachment: Attachment,
    pub(crate) enforcement: Enforcement,
    pub(crate) otherwise: Otherwise,
    /// The workload's ports that do not speak HTTP.
    pub(crate) tcp_ports: Vec<u16>,
    /// Ports without HTTP of other policies for these workloads, except those in `tcp_ports`.
    pub(crate) shared_tcp_ports: Vec<SharedTcpPort>,
    pub(crate) rules: Vec<Rule>,
    /// The time at which the documents are evaluated.
    pub(crate) at: Timestamp,
    /// The service account that the workload runs as.
    pub(crate) service_account: Option<String>,
    pub(crate) service: Option<Service>,
    pub(crate) exposures: Vec<Exposure>,
    pub(crate) external_hosts: Vec<ExternalHost>,
    /// The positions of the followers in [`PolicySet::policies`].
    pub(crate) followers: Vec<usize>,
    /// The maximum number of filters of other policies that run before this one's on any workload.
    pub(crate) rank: u16,
}

impl ServicePolicy {
    /// The providers of enforced `Custom` rules, each with the ID of one rule.
    pub fn providers(&self) -> BTreeMap<&str, &str> {
        let is_enforced = |enforcement| enforcement != Some(Enforcement::Shadow);
        let rules = self.rules.iter();
        let rules = rules.filter(|rule| {
            self.enforcement == Enforcement::Enforce && is_enforced(rule.enforcement)
        });
        rules
            .filter_map(|rule| Some((rule.provider.as_deref()?, &*rule.id)))
            .collect()
    }

    /// Whether a rule has expired.
    pub(crate) fn has_expired(&self, rule: &Rule) -> bool {
        rule.validity.phase(self.at) == Phase::After
    }

    /// The position of its text among those that were validated.
    pub fn source(&self) -> usize {
        self.source
    }

    /// The namespace and name of the policy.
    pub fn name(&self) -> &PolicyName {
        &self.name
    }

    /// The workloads that the policy applies to.
    pub fn attachment(&self) -> &Attachment {
        &self.attachment
    }

    /// Whether decisions are carried out.
    pub fn enforcement(&self) -> Enforcement {
        self.enforcement
    }

    /// What happens to a request that no rule matches.
    pub fn otherwise(&self) -> Otherwise {
        self.otherwise
    }

    /// The positions of the followers among the policies of the set.
    pub fn followers(&self) -> impl ExactSizeIterator<Item = usize> {
        self.followers.iter().copied()
    }

    /// What happens to a request that no rule of any policy matches: the policy's default, or the
    /// mesh's if the policy passes such requests on.
    pub(crate) fn otherwise_in(&self, mesh: &Mesh) -> Otherwise {
        match self.otherwise {
            Otherwise::Deny => Otherwise::Deny,
            Otherwise::Pass => mesh.otherwise,
        }
    }

    /// The rules in canonical spelling.
    pub fn rule_specs(&self) -> Vec<RuleSpec> {
        self.rules.iter().map(RuleSpec::from).collect()
    }

    /// The number of rules.
    pub fn rule_count(&self) -> usize {
        self.rules.len()
    }
}
