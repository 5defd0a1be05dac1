//! A decision ID and documents → the whole explanation.

use peergate_fault::{ExitStatus, Fault};
use policy_schema::decision_id::{DecisionRecord, InvalidDecisionId};
use policy_schema::diagnostic::SourceText;
use policy_schema::plugin_config::InvalidPolicyName;
use policy_schema::policy::PolicySet;
use policy_schema::timestamp::Timestamp;
use thiserror::Error;

use super::change::{Documents, Tried};
use super::remedy::Choice;
use super::{Explanation, explain};
use crate::compilation::{CompilationError, compile};
use crate::policy_lookup::{self, PolicyLookupError};

/// A decision ID with the documents to explain it.
#[derive(Debug)]
pub struct Inquiry<'i> {
    /// The decision ID.
    pub id: &'i str,
    /// The policies, with the key that seals IDs if there is one.
    pub set: &'i PolicySet,
    /// The texts of the policies.
    pub sources: &'i [SourceText],
    /// Further labels of the workload.
    pub labels: &'i [(String, String)],
    /// The time to validate changed documents at.
    pub now: Timestamp,
    /// Options of a change.
    pub choice: Choice,
}

/// An explained decision.
#[derive(Debug)]
pub struct Explained {
    /// The decoded ID.
    pub record: DecisionRecord,
    /// Whether the ID is authentic: only a holder of the key can create it.
    pub is_sealed: bool,
    /// The explanation.
    pub explanation: Explanation,
    /// The remedy and its verification.
    pub tried: Tried,
}

/// Why a decision cannot be explained.
#[derive(Debug, Error)]
pub enum NotExplained {
    /// The ID cannot be decoded with this key.
    #[error(transparent)]
    Id(#[from] InvalidDecisionId),
    /// The ID does not name a policy.
    #[error("this decision ID does not name a policy")]
    NoPolicy,
    /// The documents do not contain the policy.
    #[error(transparent)]
    UnknownPolicy(#[from] PolicyLookupError),
    /// The current or changed policy cannot be compiled.
    #[error(transparent)]
    Compilation(#[from] CompilationError),
}

impl Fault for NotExplained {
    fn status(&self) -> ExitStatus {
        match self {
            Self::Id(_) | Self::NoPolicy => ExitStatus::Invalid,
            Self::UnknownPolicy(reason) => reason.status(),
            Self::Compilation(reason) => reason.status(),
        }
    }

    fn help(&self) -> Option<&str> {
        match self {
            Self::Id(reason) => Some(help_with_id(*reason)),
            Self::NoPolicy => Some(help_with_id(InvalidDecisionId::Malformed)),
            Self::UnknownPolicy(reason) => reason.help(),
            Self::Compilation(reason) => reason.help(),
        }
    }
}

/// The help for an invalid decision ID.
fn help_with_id(reason: InvalidDecisionId) -> &'static str {
    match reason {
        InvalidDecisionId::NeedsKey => {
            "add `--decision-key FILE` with the key used to render the policies"
        }
        InvalidDecisionId::NotSealed => {
            "do not trust it, unless its sidecar has no key yet; then remove `--decision-key`"
        }
        InvalidDecisionId::Malformed
        | InvalidDecisionId::UnknownVersion
        | InvalidDecisionId::BadSeal => {
            "copy the whole ID from the header `x-peergate-decision` or the log, and use the documents and the key of the same mesh"
        }
    }
}

impl Inquiry<'_> {
    /// Repeats the decision, explains it and verifies a remedy.
    pub fn explain(&self) -> Result<Explained, NotExplained> {
        let set = self.set;
        let id = self.id.trim();
        let record = match set.decision_keys() {
            Some(keys) => DecisionRecord::unseal(id, keys),
            None => DecisionRecord::decode(id),
        }?;
        let name = record.policy.parse();
        let name = name.map_err(|InvalidPolicyName| NotExplained::NoPolicy)?;
        let policy = policy_lookup::named(set, &name)?;
        let compiled = compile(set, policy, self.labels)?;
        let explanation = explain(&record, &compiled, |name| {
            set.policy(&name.namespace, &name.name)
        });
        let documents = Documents {
            sources: self.sources,
            name: &name,
            labels: self.labels,
            now: self.now,
        };
        let tried = documents.remedied(&record, &explanation, set, policy, self.choice)?;
        Ok(Explained {
            is_sealed: set.decision_key_of(&name).is_some(),
            record,
            explanation,
            tried,
        })
    }
}
