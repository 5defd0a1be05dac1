//! Observations of a workload and the proposals for it.

use policy_schema::plugin_config::PolicyName;

use super::document::Document;
use super::existing_policies::ExistingPolicies;
use super::proposal::Proposals;
use super::workload::{Call, Workload};

/// Observations of a workload and the proposals for it.
#[derive(Debug)]
pub struct Learned {
    /// The workload's policy.
    pub policy: PolicyName,
    /// The observations.
    pub workload: Workload,
    /// The proposals and their coverage.
    pub proposals: Proposals,
    /// The document. None without a proposal.
    pub document: Option<Document>,
}

impl Learned {
    /// Counts the requests that the draft allows, using the engine. The draft does not contain rules to add by hand.
    pub(crate) fn count_coverage(&mut self, draft: &ExistingPolicies) {
        if self.document.as_ref().and_then(Document::by_hand).is_none() {
            let is_allowed = |call: &Call| draft.allows(&self.policy, call);
            self.proposals.coverage.covered = self.workload.cover(is_allowed);
        }
    }
}
