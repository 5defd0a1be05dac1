//! Observations → proposals and their texts, validated together with the other policies.

use std::collections::BTreeMap;

use policy_schema::plugin_config::PolicyName;

use super::document::{Document, DocumentError, LearnedTexts, NewPolicy};
use super::existing_policies::{ExistingPolicies, ExistingPoliciesError};
use super::hand_template::HandTemplate;
use super::learned::Learned;
use super::proposal::{Proposals, Thresholds};
use super::workload::Workload;
use crate::policy_text::NotEditable;

/// The proposals for all workloads.
#[derive(Debug)]
pub struct Draft {
    /// By policy name.
    pub learned: Vec<Learned>,
    /// The texts with the proposed rules.
    pub texts: LearnedTexts,
}

/// Why no draft can be made.
#[derive(Debug)]
pub enum DraftError {
    /// A text cannot be edited or serialized.
    Document(DocumentError),
    /// A selector is given, but there are this many new policies.
    SeveralNew(usize),
    /// The drafted texts do not validate.
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
    /// Proposes rules for observed requests that are not allowed yet.
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

    /// The documents to write or to edit by hand.
    pub fn documents(&self) -> impl Iterator<Item = &Document> {
        documents(&self.learned)
    }
}

fn documents(learned: &[Learned]) -> impl Iterator<Item = &Document> {
    learned.iter().filter_map(|one| one.document.as_ref())
}
