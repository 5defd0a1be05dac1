//! What was seen → proposals, and the texts with them, checked beside the other policies.

use std::collections::BTreeMap;

use policy_schema::plugin_config::PolicyName;

use super::document::{Document, DocumentError, NewPolicy, Texts};
use super::hand_template::HandTemplate;
use super::known::{Known, KnownError};
use super::learnt::Learnt;
use super::proposal::{Evidence, Proposals};
use super::workload::Workload;
use crate::policy_text::NotEditable;

/// What is proposed of all workloads.
#[derive(Debug)]
pub struct Draft {
    /// By the names of the policies.
    pub learnt: Vec<Learnt>,
    /// The texts that have what is proposed.
    pub texts: Texts,
}

/// Why nothing is proposed.
#[derive(Debug)]
pub enum DraftError {
    /// A text cannot be changed safely, or has no form in YAML.
    Document(DocumentError),
    /// Labels are given for the pods of one new policy, and there are as many as this.
    SeveralNew(usize),
    /// The texts with the rules are not accepted beside the others.
    Rejected(KnownError),
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
    pub fn of(
        workloads: BTreeMap<PolicyName, Workload>,
        known: &Known,
        evidence: Evidence,
        templates: &[HandTemplate],
        new: &NewPolicy,
    ) -> Result<Self, DraftError> {
        let sources = known.texts()?;
        let mut learnt = Vec::with_capacity(workloads.len());
        for (policy, workload) in workloads {
            let proposals = Proposals::of(&workload, evidence, templates);
            let document = Document::of(&policy, &proposals, known, &sources, new)?;
            learnt.push(Learnt {
                policy,
                workload,
                proposals,
                document,
            });
        }
        let count = documents(&learnt).filter(|one| one.is_new()).count();
        if count > 1 && !new.selector.is_empty() {
            return Err(DraftError::SeveralNew(count));
        }
        let texts = Texts::with(documents(&learnt), &sources, known)?;
        let allowed = texts.check(known).map_err(DraftError::Rejected)?;
        for one in &mut learnt {
            one.count_coverage(&allowed);
        }
        Ok(Self { learnt, texts })
    }

    /// What is to be written, or to be put in its place by hand.
    pub fn documents(&self) -> impl Iterator<Item = &Document> {
        documents(&self.learnt)
    }
}

fn documents(learnt: &[Learnt]) -> impl Iterator<Item = &Document> {
    learnt.iter().filter_map(|one| one.document.as_ref())
}
