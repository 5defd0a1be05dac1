//! What was seen of a workload, and what is proposed for it.

use policy_schema::plugin_config::PolicyName;

use super::document::Document;
use super::existing_policies::ExistingPolicies;
use super::proposal::Proposals;
use super::workload::{Call, Workload};

/// What was seen of a workload, and what is proposed for it.
#[derive(Debug)]
pub struct Learned {
    /// The policy of the workload.
    pub policy: PolicyName,
    /// What was seen.
    pub workload: Workload,
    /// What is proposed, and how much of what was seen it covers.
    pub proposals: Proposals,
    /// None where there is nothing to propose.
    pub document: Option<Document>,
}

impl Learned {
    /// Counts what the draft allows, as the engine decides. Rules that are left to people are in no draft.
    pub(crate) fn count_coverage(&mut self, draft: &ExistingPolicies) {
        if self.document.as_ref().and_then(Document::by_hand).is_none() {
            let is_allowed = |call: &Call| draft.allows(&self.policy, call);
            self.proposals.coverage.covered = self.workload.cover(is_allowed);
        }
    }
}
