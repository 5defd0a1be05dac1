//! Applies a remedy to the documents, and verifies that they are valid and allow the request.

use policy_schema::code::Severity;
use policy_schema::decision_id::DecisionRecord;
use policy_schema::diagnostic::SourceText;
use policy_schema::edit::{EditError, PolicyText};
use policy_schema::engine::{CompiledPolicy, DecisionOutcome, Request};
use policy_schema::plugin_config::PolicyName;
use policy_schema::policy::{PolicySet, ServicePolicy};
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, Validated, validate};

use super::advice::{Advice, Obstacle, Refusal};
use super::amendment::Amendment;
use super::remedy::{Choice, Remedy, remedy};
use super::{Explanation, client_certificate, request};
use crate::compilation::{CompilationError, compile};

/// The documents to apply a remedy to.
#[derive(Debug)]
pub(super) struct Documents<'d> {
    /// All texts.
    pub(super) sources: &'d [SourceText],
    /// The policy that decided the request.
    pub(super) name: &'d PolicyName,
    /// Further labels of the workload.
    pub(super) labels: &'d [(String, String)],
    /// The time to validate the documents at.
    pub(super) now: Timestamp,
}

/// The result of applying a remedy.
#[derive(Debug)]
pub struct Tried {
    /// The remedy, or advice in its place.
    pub remedy: Remedy,
    /// The change.
    pub change: Option<Change>,
    /// A rule to add to the policy by hand.
    pub to_paste: Option<String>,
}

/// A changed file.
#[derive(Debug)]
pub struct Change {
    /// The current file.
    pub source: SourceText,
    /// The changed text.
    pub text: String,
}

impl Documents<'_> {
    /// Finds a remedy and verifies it. `policy` is the policy called [`name`](Self::name) in `set`.
    pub(super) fn remedied(
        &self,
        record: &DecisionRecord,
        explanation: &Explanation,
        set: &PolicySet,
        policy: &ServicePolicy,
        choice: Choice,
    ) -> Result<Tried, CompilationError> {
        let certificate = client_certificate(record);
        self.try_out(
            remedy(record, explanation, set, policy, choice),
            &request(record, certificate.as_ref()),
        )
    }

    /// Applies and verifies a remedy.
    fn try_out(&self, remedy: Remedy, request: &Request<'_>) -> Result<Tried, CompilationError> {
        let amendment = match remedy {
            Remedy::Amend(amendment) => amendment,
            Remedy::Advise(advice) => return Ok(Tried::advice(advice)),
        };
        let Some((position, file)) = self.file_of(amendment.policy()) else {
            return Ok(Tried::by_hand(amendment, Obstacle::TextNotFound));
        };
        let Ok(text) = changed(&file.text, &amendment) else {
            let obstacle = Obstacle::Ambiguous(file.name.clone());
            return Ok(Tried::by_hand(amendment, obstacle));
        };
        let mut sources = self.sources.to_vec();
        if let Some(source) = sources.get_mut(position) {
            source.text.clone_from(&text);
        }
        let options = Options {
            at: self.now,
            istio_version: None,
        };
        let Validated {
            policies,
            diagnostics,
            ..
        } = validate(&sources, options);
        let Some(set) = policies else {
            let mut found = diagnostics.iter();
            let error = found.find(|found| found.severity() == Severity::Error);
            let refusal = Refusal::Invalid(error.map(|error| error.message.clone()));
            return Ok(Tried::advice(Advice::Refused { amendment, refusal }));
        };
        let Some(policy) = set.policy(&self.name.namespace, &self.name.name) else {
            let refusal = Refusal::PolicyGone;
            return Ok(Tried::advice(Advice::Refused { amendment, refusal }));
        };
        let compiled: CompiledPolicy = compile(&set, policy, self.labels)?;
        if compiled.evaluate(request).outcome() == DecisionOutcome::Denied {
            return Ok(Tried::advice(Advice::NotEnough(amendment)));
        }
        let change = Change {
            source: file.clone(),
            text,
        };
        Ok(Tried {
            remedy: Remedy::Amend(amendment),
            change: Some(change),
            to_paste: None,
        })
    }

    fn file_of(&self, policy: &PolicyName) -> Option<(usize, &SourceText)> {
        let mut files = self.sources.iter().enumerate();
        files.find(|(_, source)| {
            PolicyText::parse(&source.text).is_ok_and(|text| text.has_policy(policy))
        })
    }
}

impl Tried {
    fn advice(advice: Advice) -> Self {
        Self {
            remedy: Remedy::Advise(advice),
            change: None,
            to_paste: None,
        }
    }

    /// The same change to make by hand.
    fn by_hand(amendment: Amendment, obstacle: Obstacle) -> Self {
        Self {
            to_paste: amendment.rule_to_paste(),
            ..Self::advice(Advice::ByHand {
                amendment,
                obstacle,
            })
        }
    }
}

fn changed(text: &str, amendment: &Amendment) -> Result<String, EditError> {
    let text = PolicyText::parse(text)?;
    text.apply(amendment.edits(&text)?)
}
