//! The policies of a mesh.

use super::along::{Place, TooManyFollowers, places_of, together};
use super::mesh::Mesh;
use super::service_policy::ServicePolicy;
use super::tcp_ports::shared_tcp_ports;
use crate::decision_id::DecisionKey;
use crate::plugin_config::PolicyName;
use crate::timestamp::Timestamp;

/// All documents of an input, understood together.
#[derive(Clone, Debug)]
pub struct PolicySet {
    pub(crate) mesh: Mesh,
    /// In the order of namespace and name, whatever the order of the files.
    pub(crate) policies: Vec<ServicePolicy>,
    /// For each policy the positions of those that share workloads with it, its own first.
    together: Vec<Vec<usize>>,
    /// Seals the ids of decisions. No document has it: it is a secret.
    pub(crate) decision_key: Option<DecisionKey>,
}

impl PolicySet {
    /// Finds out what the policies are to each other: which filter enforces which others along, and which ports
    /// without HTTP they share.
    pub(crate) fn build(
        mesh: Mesh,
        mut policies: Vec<ServicePolicy>,
    ) -> Result<Self, TooManyFollowers> {
        policies.sort_by(|a, b| a.name.as_pair().cmp(&b.name.as_pair()));
        let places = places_of(&policies)?;
        for (policy, Place { along, rank }) in policies.iter_mut().zip(places) {
            policy.along = along;
            policy.rank = rank;
        }
        let together = together(&policies);
        let shared = shared_tcp_ports(&policies, &together);
        for (policy, ports) in policies.iter_mut().zip(shared) {
            policy.shared_tcp_ports = ports;
        }
        Ok(Self {
            mesh,
            policies,
            together,
            decision_key: None,
        })
    }

    /// What is true of the whole mesh.
    pub fn mesh(&self) -> &Mesh {
        &self.mesh
    }

    /// The same documents, read at another time.
    pub(crate) fn as_read_at(&self, at: Timestamp) -> Self {
        let mut set = self.clone();
        set.mesh.mtls.at = at;
        for policy in &mut set.policies {
            policy.at = at;
        }
        set
    }

    /// Seals the IDs of decisions with a key for each policy, derived from `key`. `None` leaves them readable.
    #[must_use]
    pub fn with_decision_key(self, key: Option<DecisionKey>) -> Self {
        Self {
            decision_key: key,
            ..self
        }
    }

    /// The key of the ids of a policy's decisions, if they are sealed.
    pub fn decision_key_of(&self, policy: &PolicyName) -> Option<DecisionKey> {
        let key = self.decision_key.as_ref()?;
        Some(key.for_policy(&policy.to_string()))
    }

    /// The policies' names, each with its key, if the ids of decisions are sealed.
    pub fn decision_keys(&self) -> Option<impl Iterator<Item = (String, DecisionKey)>> {
        let key = self.decision_key.as_ref()?;
        let names = self.policies.iter().map(|policy| policy.name.to_string());
        Some(names.map(|name| {
            let key = key.for_policy(&name);
            (name, key)
        }))
    }

    /// The policies, in the order of namespace and name.
    pub fn policies(&self) -> &[ServicePolicy] {
        &self.policies
    }

    /// For each policy the positions of those that are for some of its workloads, its own first.
    pub fn policies_together(&self) -> &[Vec<usize>] {
        &self.together
    }

    /// The policy of this namespace and name.
    pub fn policy(&self, namespace: &str, name: &str) -> Option<&ServicePolicy> {
        self.policies
            .binary_search_by(|policy| policy.name.as_pair().cmp(&(namespace, name)))
            .ok()
            .and_then(|position| self.policies.get(position))
    }
}
