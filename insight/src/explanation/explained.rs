//! The id of a decision × documents → the whole explanation.

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

/// What is asked about a decision, and the documents that tell.
#[derive(Debug)]
pub struct Inquiry<'i> {
    /// The id of the decision.
    pub id: &'i str,
    /// The policies, with the key that seals ids, if there is one.
    pub set: &'i PolicySet,
    /// All texts that the policies stand in.
    pub sources: &'i [SourceText],
    /// The workload's labels beyond those that the policy selects.
    pub labels: &'i [(String, String)],
    /// When changed documents are to be valid.
    pub now: Timestamp,
    /// What may be chosen of a change.
    pub choice: Choice,
}

/// A decision, explained.
#[derive(Debug)]
pub struct Explained {
    /// What the id has.
    pub record: DecisionRecord,
    /// Whether the ID is authentic: only a holder of the key can have made it.
    pub is_sealed: bool,
    /// What the documents say of it.
    pub explanation: Explanation,
    /// What would make the request be allowed, and what came of trying it.
    pub tried: Tried,
}

/// Why a decision is not explained.
#[derive(Debug, Error)]
pub enum NotExplained {
    /// The id cannot be read, or not with this key.
    #[error(transparent)]
    Id(#[from] InvalidDecisionId),
    /// What the id names is no policy.
    #[error("this id is of no policy")]
    NoPolicy,
    /// The documents do not have the policy.
    #[error(transparent)]
    UnknownPolicy(#[from] PolicyLookupError),
    /// The policy, as it is or changed, is not compiled.
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

/// What to do about the id of a decision that is not taken.
fn help_with_id(reason: InvalidDecisionId) -> &'static str {
    match reason {
        InvalidDecisionId::NeedsKey => {
            "name the file with the key that the policies were rendered with: `--decision-key FILE`"
        }
        InvalidDecisionId::NotSealed => {
            "do not trust it, unless it is from a sidecar that has no key yet; then leave `--decision-key` out"
        }
        InvalidDecisionId::Malformed
        | InvalidDecisionId::UnknownVersion
        | InvalidDecisionId::BadSeal => {
            "copy all of it, from the header `x-peergate-decision` or from the log, and use the documents and the key of the same mesh"
        }
    }
}

impl Inquiry<'_> {
    /// Decides the request again, says why, and tries what would make it be allowed.
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
