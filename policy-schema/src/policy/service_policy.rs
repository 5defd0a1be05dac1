//! A policy as it is meant.

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

/// The rules of a workload, or of several.
#[derive(Clone, Debug)]
pub struct ServicePolicy {
    pub(crate) name: PolicyName,
    pub(crate) attachment: Attachment,
    pub(crate) enforcement: Enforcement,
    pub(crate) otherwise: Otherwise,
    /// The ports on which the workload speaks something other than HTTP.
    pub(crate) tcp_ports: Vec<u16>,
    /// The same of other policies for these workloads, without those of its own.
    pub(crate) shared_tcp_ports: Vec<SharedTcpPort>,
    pub(crate) rules: Vec<Rule>,
    /// The time that the documents are read for.
    pub(crate) at: Timestamp,
    /// The service account that the workload runs as.
    pub(crate) service_account: Option<String>,
    pub(crate) service: Option<Service>,
    pub(crate) exposures: Vec<Exposure>,
    pub(crate) external_hosts: Vec<ExternalHost>,
    /// The policies that this one's filter enforces along, by their positions in [`PolicySet::policies`].
    pub(crate) along: Vec<usize>,
    /// How many filters of other policies come before this one's, at most, on a workload.
    pub(crate) rank: u16,
}

impl ServicePolicy {
    /// The providers of `Custom` rules that are enforced, each with the id of a rule.
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

    /// Whether a rule has ended.
    pub(crate) fn has_ended(&self, rule: &Rule) -> bool {
        rule.validity.phase(self.at) == Phase::After
    }

    /// The policy's namespace and name.
    pub fn name(&self) -> &PolicyName {
        &self.name
    }

    /// What the policy is for.
    pub fn attachment(&self) -> &Attachment {
        &self.attachment
    }

    /// Whether decisions are carried out.
    pub fn enforcement(&self) -> Enforcement {
        self.enforcement
    }

    /// What the policy does with a request that no rule matches.
    pub fn otherwise(&self) -> Otherwise {
        self.otherwise
    }

    /// The positions, among the policies of the set, of those that this one's filter enforces along.
    pub fn enforced_along(&self) -> impl ExactSizeIterator<Item = usize> {
        self.along.iter().copied()
    }

    /// What becomes of a request that no rule matches, where no other policy has a say: a policy
    /// that has none itself leaves it to the mesh.
    pub(crate) fn otherwise_in(&self, mesh: &Mesh) -> Otherwise {
        match self.otherwise {
            Otherwise::Deny => Otherwise::Deny,
            Otherwise::Pass => mesh.otherwise,
        }
    }

    /// The rules as they are written, in their canonical spelling.
    pub fn rule_specs(&self) -> Vec<RuleSpec> {
        self.rules.iter().map(RuleSpec::from).collect()
    }

    /// How many rules there are.
    pub fn rule_count(&self) -> usize {
        self.rules.len()
    }
}
