//! What was seen of a workload, and what is proposed for it.

use policy_schema::plugin_config::PolicyName;

use super::document::Document;
use super::known::Known;
use crate::learning::proposal::Proposals;
use crate::learning::workload::{Call, Workload};

/// What was seen of a workload, and what is proposed for it.
#[derive(Debug)]
pub(super) struct Learnt {
    pub(super) policy: PolicyName,
    pub(super) workload: Workload,
    pub(super) proposals: Proposals,
    /// None where there is nothing to propose.
    pub(super) document: Option<Document>,
}

impl Learnt {
    /// Counts what the draft allows, as the engine decides. Rules that are left to people are in no draft.
    pub(super) fn count_coverage(&mut self, draft: &Known) {
        if self.document.as_ref().and_then(Document::by_hand).is_none() {
            let is_allowed = |call: &Call| draft.allows(&self.policy, call);
            self.proposals.coverage.covered = self.workload.cover(is_allowed);
        }
    }
}
