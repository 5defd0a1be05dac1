//! An index of policy documents by namespace and name.

use std::collections::HashMap;

use super::placed::Placed;
use crate::document::ServicePolicyDocument;
use crate::plugin_config::PolicyName;
use crate::policy::ServicePolicy;

/// The policy documents, by namespace and name.
#[derive(Debug)]
pub(super) struct DocumentsByName<'d>(
    HashMap<(&'d str, &'d str), &'d Placed<'d, ServicePolicyDocument>>,
);

impl<'d> DocumentsByName<'d> {
    /// Indexes documents. Of several with the same name, the first counts.
    pub(super) fn new(documents: &'d [Placed<'d, ServicePolicyDocument>]) -> Self {
        let mut by_name = HashMap::with_capacity(documents.len());
        for placed in documents {
            let metadata = &placed.document.metadata;
            let name = (metadata.namespace.as_str(), metadata.name.as_str());
            by_name.entry(name).or_insert(placed);
        }
        Self(by_name)
    }

    /// The document of a policy.
    pub(super) fn get(
        &self,
        policy: &ServicePolicy,
    ) -> Option<&'d Placed<'d, ServicePolicyDocument>> {
        self.named(policy.name())
    }

    /// The document of the policy with this name.
    pub(super) fn named(&self, name: &PolicyName) -> Option<&'d Placed<'d, ServicePolicyDocument>> {
        self.0.get(&name.as_pair()).copied()
    }
}
