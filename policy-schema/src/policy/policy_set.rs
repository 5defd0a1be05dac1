//! The policies of a mesh.

use super::leaders::{LeadOrder, TooManyFollowers, assign_leaders, overlapping};
use super::mesh::Mesh;
use super::service_policy::ServicePolicy;
use super::tcp_ports::shared_tcp_ports;
use crate::decision_id::DecisionKey;
use crate::plugin_config::PolicyName;
use crate::timestamp::Timestamp;

/// All documents of one run, validated together.
#[derive(Clone, Debug)]
pub struct PolicySet {
    pub(crate) mesh: Mesh,
    /// Sorted by namespace and name, regardless of the order of the files.
    pub(crate) policies: Vec<ServicePolicy>,
    /// For each policy, the positions of the policies that share workloads with it. Its own comes
    /// first.
    overlapping: Vec<Vec<usize>>,
    /// The key that seals decision IDs. It is a secret, so no document contains it.
    pub(crate) decision_key: Option<DecisionKey>,
}

impl PolicySet {
    /// Determines the relations between policies: leaders and followers, and shared ports without
    /// HTTP.
    pub(crate) fn build(
        mesh: Mesh,
        mut policies: Vec<ServicePolicy>,
    ) -> Result<Self, TooManyFollowers> {
        policies.sort_by(|a, b| a.name.as_pair().cmp(&b.name.as_pair()));
        let places = assign_leaders(&policies)?;
        for (policy, LeadOrder { followers, rank }) in policies.iter_mut().zip(places) {
            policy.followers = followers;
            policy.rank = rank;
        }
        let overlapping = overlapping(&policies);
        let shared = shared_tcp_ports(&policies, &overlapping);
        for (policy, ports) in policies.iter_mut().zip(shared) {
            policy.shared_tcp_ports = ports;
        }
        Ok(Self {
            mesh,
            policies,
            overlapping,
            decision_key: None,
        })
    }

    /// The settings of the whole mesh.
    pub fn mesh(&self) -> &Mesh {
        &self.mesh
    }

    /// The same documents, evaluated at another time.
    pub(crate) fn as_read_at(&self, at: Timestamp) -> Self {
        let mut set = self.clone();
        set.mesh.mtls.at = at;
        for policy in &mut set.policies {
            policy.at = at;
        }
        set
    }

    /// Seals decision IDs with a key for each policy, derived from `key`. `None` leaves them
    /// readable.
    #[must_use]
    pub fn with_decision_key(self, key: Option<DecisionKey>) -> Self {
        Self {
            decision_key: key,
            ..self
        }
    }

    /// The key of a policy's decision IDs, if they are sealed.
    pub fn decision_key_of(&self, policy: &PolicyName) -> Option<DecisionKey> {
        let key = self.decision_key.as_ref()?;
        Some(key.for_policy(&policy.to_string()))
    }

    /// The policies' names, each with its key, if decision IDs are sealed.
    pub fn decision_keys(&self) -> Option<impl Iterator<Item = (String, DecisionKey)>> {
        let key = self.decision_key.as_ref()?;
        let names = self.policies.iter().map(|policy| policy.name.to_string());
        Some(names.map(|name| {
            let key = key.for_policy(&name);
            (name, key)
        }))
    }

    /// The policies, sorted by namespace and name.
    pub fn policies(&self) -> &[ServicePolicy] {
        &self.policies
    }

    /// For each policy, the positions of the policies that select some of its workloads. Its own
    /// comes first.
    pub fn overlapping_policies(&self) -> &[Vec<usize>] {
        &self.overlapping
    }

    /// The policy with this namespace and name.
    pub fn policy(&self, namespace: &str, name: &str) -> Option<&ServicePolicy> {
        self.policies
            .binary_search_by(|policy| policy.name.as_pair().cmp(&(namespace, name)))
            .ok()
            .and_then(|position| self.policies.get(position))
    }
}
