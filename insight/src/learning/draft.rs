//! What was seen → proposals, and the texts with them, checked beside the other policies.

use std::collections::BTreeMap;

use policy_schema::plugin_config::PolicyName;

use super::document::{Document, DocumentError, LearnedTexts, NewPolicy};
use super::existing_policies::{ExistingPolicies, ExistingPoliciesError};
use super::hand_template::HandTemplate;
use super::learned::Learned;
use super::proposal::{Proposals, Thresholds};
use super::workload::Workload;
use crate::policy_text::NotEditable;

/// What is proposed of all workloads.
#[derive(Debug)]
pub struct Draft {
    /// By the names of the policies.
    pub learned: Vec<Learned>,
    /// The texts that have what is proposed.
    pub texts: LearnedTexts,
}

/// Why nothing is proposed.
#[derive(Debug)]
pub enum DraftError {
    /// A text cannot be changed safely, or has no form in YAML.
    Document(DocumentError),
    /// Labels are given for the pods of one new policy, and there are as many as this.
    SeveralNew(usize),
    /// The texts with the rules are not accepted beside the others.
    Rejected(ExistingPoliciesError),
}

impl From<DocumentError> for DraftError {
    fn from(reason: DocumentError) -> Self {
        Self::Document(reason)
    }
}

impl From<NotEditable> for DraftError {
    fn from(reason: NotEditable) -> Self {
        Self::Document(reason.into())
    }
}

impl Draft {
    /// Proposes what was seen of these workloads and is not allowed yet.
    pub fn new(
        workloads: BTreeMap<PolicyName, Workload>,
        existing: &ExistingPolicies,
        evidence: Thresholds,
        templates: &[HandTemplate],
        new: &NewPolicy,
    ) -> Result<Self, DraftError> {
        let sources = existing.texts()?;
        let mut learned = Vec::with_capacity(workloads.len());
        for (policy, workload) in workloads {
            let proposals = Proposals::new(&workload, evidence, templates);
            let document = Document::new(&policy, &proposals, existing, &sources, new)?;
            learned.push(Learned {
                policy,
                workload,
                proposals,
                document,
            });
        }
        let count = documents(&learned).filter(|one| one.is_new()).count();
        if count > 1 && !new.selector.is_empty() {
            return Err(DraftError::SeveralNew(count));
        }
        let texts = LearnedTexts::with(documents(&learned), &sources, existing)?;
        let allowed = texts.check(existing).map_err(DraftError::Rejected)?;
        for one in &mut learned {
            one.count_coverage(&allowed);
        }
        Ok(Self { learned, texts })
    }

    /// What is to be written, or to be put in its place by hand.
    pub fn documents(&self) -> impl Iterator<Item = &Document> {
        documents(&self.learned)
    }
}

fn documents(learned: &[Learned]) -> impl Iterator<Item = &Document> {
    learned.iter().filter_map(|one| one.document.as_ref())
}
