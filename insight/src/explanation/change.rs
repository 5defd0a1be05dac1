//! Remedy × documents → the changed text, if with it the documents are valid and allow the request.

use policy_schema::code::Severity;
use policy_schema::decision_id::DecisionRecord;
use policy_schema::diagnostic::SourceText;
use policy_schema::edit::{EditError, PolicyText};
use policy_schema::engine::{CompiledPolicy, Outcome, Request};
use policy_schema::plugin_config::PolicyName;
use policy_schema::policy::{PolicySet, ServicePolicy};
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, Validated, validate};

use super::remedy::{Choice, Remedy, remedy};
use super::{Explanation, client_certificate, request};
use crate::compilation::{CompilationError, compile};

/// The documents that a remedy is tried on.
#[derive(Debug)]
pub struct Documents<'d> {
    /// All of their texts.
    pub sources: &'d [SourceText],
    /// The policy that the request was decided by.
    pub name: &'d PolicyName,
    /// The workload's labels beyond those that the policy selects.
    pub labels: &'d [(String, String)],
    /// When they are to be valid.
    pub now: Timestamp,
}

/// What came of trying a remedy.
#[derive(Debug)]
pub struct Tried {
    /// The remedy, or what to do in its place.
    pub remedy: Remedy,
    /// The change that it makes.
    pub change: Option<Change>,
    /// A rule to be put into the policy by hand.
    pub to_paste: Option<String>,
}

/// A changed file of the documents.
#[derive(Debug)]
pub struct Change {
    /// The file as it is.
    pub source: SourceText,
    /// The text that it would have.
    pub text: String,
}

impl Documents<'_> {
    /// Finds what would make the decision be that the request is allowed, and tries it. `policy` is the one of
    /// [`name`](Self::name) in `set`, the policies of the documents.
    pub fn remedied(
        &self,
        record: &DecisionRecord,
        explanation: &Explanation<'_>,
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

    /// Tries a remedy of a request.
    fn try_out(&self, remedy: Remedy, request: &Request<'_>) -> Result<Tried, CompilationError> {
        let Some(policy) = remedy.policy() else {
            return Ok(Tried::only(remedy));
        };
        let Some((position, file)) = self.file_of(policy) else {
            return Ok(Tried::by_hand(&remedy, "its text was not found"));
        };
        let Ok(text) = changed(&file.text, &remedy) else {
            let reason = format!(
                "{} is written such that a change would be a guess",
                file.name
            );
            return Ok(Tried::by_hand(&remedy, &reason));
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
            let reason = error.map_or("the documents are not valid", |error| &error.message);
            return Ok(Tried::only(refused(&remedy, reason)));
        };
        let Some(policy) = set.policy(&self.name.namespace, &self.name.name) else {
            return Ok(Tried::only(refused(&remedy, "the policy would be gone")));
        };
        let compiled: CompiledPolicy = compile(&set, policy, self.labels)?;
        if compiled.evaluate(request).outcome() == Outcome::Denied {
            return Ok(Tried::only(not_enough(&remedy)));
        }
        let change = Change {
            source: file.clone(),
            text,
        };
        Ok(Tried {
            change: Some(change),
            ..Tried::only(remedy)
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
    fn only(remedy: Remedy) -> Self {
        Self {
            remedy,
            change: None,
            to_paste: None,
        }
    }

    /// The same for people to do.
    fn by_hand(remedy: &Remedy, reason: &str) -> Self {
        let what = remedy.in_words();
        Self {
            to_paste: remedy.rule_to_paste(),
            ..Self::only(Remedy::Advice(format!("{what} by hand: {reason}")))
        }
    }
}

fn changed(text: &str, remedy: &Remedy) -> Result<String, EditError> {
    let text = PolicyText::parse(text)?;
    text.apply(remedy.edits(&text)?)
}

fn refused(remedy: &Remedy, reason: &str) -> Remedy {
    Remedy::Advice(match remedy {
        Remedy::Except { rule, .. } => format!(
            "take the caller out of the sources of rule `{}` of {} by hand, or remove the rule if they name nobody else: \
             an exception is refused ({reason})",
            rule.id, rule.policy
        ),
        remedy => format!(
            "change the policy by hand: to {} is refused ({reason})",
            remedy.in_words()
        ),
    })
}

fn not_enough(remedy: &Remedy) -> Remedy {
    let advice = match remedy {
        Remedy::Except { .. } => {
            "ask its owner: the rule denies the request, and even with an exception no other rule would allow it"
        }
        _ => "change the policy by hand: one change would not be enough",
    };
    Remedy::Advice(advice.to_owned())
}
