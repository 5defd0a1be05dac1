//! Proposals → rules, and the texts of policies that have them.
//!
//! A policy that exists keeps its text, as everything else in its file: the rules are put behind its own.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use peergate_fault::Failure;
use peergate_insight::policy_text::NotEditable;
use policy_schema::code::Code;
use policy_schema::diagnostic::{Diagnostic, SourceText};
use policy_schema::document::{
    PolicyMetadata, Selector, ServicePolicyDocument, ServicePolicyKind, ServicePolicySpec,
    ServiceSpec,
};
use policy_schema::edit::{Edit, EditError, PolicyText};
use policy_schema::plugin_config::{ApiVersion, PolicyName};
use policy_schema::rule_spec::{Enforcement, RuleSpec};
use policy_schema::validate::validate;

use super::args::Args;
use super::error::LearnError;
use super::known::Known;
use super::wording::call_line;
use crate::input::BYTE_ORDER_MARK;
use crate::learning::caller::RuleIds;
use crate::learning::proposal::{Proposals, ProposedCall};
use crate::learning::rule::rule;
use crate::output::{self, OutputError};
use crate::report;

/// More calls than these are not listed in comments.
const MOST_COMMENTS: usize = 40;

/// What is proposed for a policy.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) rules: Vec<RuleSpec>,
    pub(super) place: Place,
}

/// Where the rules go.
#[derive(Debug)]
pub(super) enum Place {
    /// Into a policy that there was not before, of which this is the text.
    New(String),
    /// Into the policy's text, which is this one of the sources.
    Within { source: usize, edit: Edit },
    /// To people, since the policy is not written such that they could be put there.
    ByHand(ByHand),
}

/// Rules for people to put in their place.
#[derive(Debug)]
pub(super) struct ByHand {
    pub(super) file: String,
    pub(super) reason: EditError,
    /// The rules as a list in YAML.
    pub(super) list: String,
}

/// All texts that have rules which were learnt.
#[derive(Debug, Default)]
pub(super) struct Texts {
    /// Of the sources, whole.
    changed: BTreeMap<usize, String>,
    /// Of new policies, one each.
    new: Vec<String>,
}

impl Document {
    /// The rules and their place among `texts`, which are the sources; none where nothing is proposed.
    pub(super) fn of(
        name: &PolicyName,
        proposals: &Proposals,
        known: &Known,
        texts: &[PolicyText<'_>],
        args: &Args,
    ) -> Result<Option<Self>, Failure> {
        if proposals.learnt.is_empty() {
            return Ok(None);
        }
        let existing = known.enforcement(name);
        // What a policy in shadow has is in shadow anyway, and counts only without saying so again.
        let enforcement = (existing == Some(Enforcement::Enforce) && !args.enforce)
            .then_some(Enforcement::Shadow);
        let mut ids = RuleIds::beside(known.rule_ids(name));
        let rules: Vec<_> = proposals
            .learnt
            .iter()
            .map(|(caller, calls)| rule(caller, calls, &name.namespace, enforcement, &mut ids))
            .collect();
        let list = list(&rules, proposals)?;
        let mut sources = texts.iter().zip(&known.sources).enumerate();
        let place = match sources.find(|(_, (text, _))| text.has_policy(name)) {
            None => Place::New(new_document(name, &list, args)?),
            Some((source, (text, file))) => match text.append_rules(name, &list) {
                Ok(edit) => Place::Within { source, edit },
                Err(reason) => Place::ByHand(ByHand {
                    file: file.name.clone(),
                    reason,
                    list,
                }),
            },
        };
        Ok(Some(Self { rules, place }))
    }

    pub(super) fn is_new(&self) -> bool {
        matches!(self.place, Place::New(_))
    }

    /// What is for people to do.
    pub(super) fn by_hand(&self) -> Option<&ByHand> {
        match &self.place {
            Place::ByHand(by_hand) => Some(by_hand),
            Place::New(_) | Place::Within { .. } => None,
        }
    }
}

impl Texts {
    /// The texts with all of these rules.
    pub(super) fn with<'d>(
        documents: impl Iterator<Item = &'d Document>,
        texts: &[PolicyText<'_>],
        known: &Known,
    ) -> Result<Self, Failure> {
        let mut new = Vec::new();
        let mut edits: BTreeMap<usize, Vec<Edit>> = BTreeMap::new();
        for document in documents {
            match &document.place {
                Place::New(text) => new.push(text.clone()),
                Place::Within { source, edit } => {
                    edits.entry(*source).or_default().push(edit.clone());
                }
                Place::ByHand(_) => {}
            }
        }
        let mut changed = BTreeMap::new();
        let sources = texts.iter().zip(&known.sources).enumerate();
        for (position, (text, source)) in sources {
            if let Some(edits) = edits.remove(&position) {
                let text = text.apply(edits);
                let text = text.map_err(|reason| NotEditable::new(&source.name, reason))?;
                changed.insert(position, text);
            }
        }
        Ok(Self { changed, new })
    }

    /// The text that has a document.
    pub(super) fn of<'t>(&'t self, document: &'t Document) -> Option<&'t str> {
        match &document.place {
            Place::New(text) => Some(text),
            Place::Within { source, .. } => self.changed.get(source).map(String::as_str),
            Place::ByHand(_) => None,
        }
    }

    /// All of them as one; none where there is nothing to write.
    pub(super) fn joined(&self, known: &Known) -> Option<String> {
        let is_alone = self.changed.len() + self.new.len() == 1;
        let is_marked = self
            .changed
            .keys()
            .any(|source| known.marked.contains(source));
        let mut joined = String::new();
        // Within a text a mark would be a mistake.
        if is_alone && is_marked {
            joined.push_str(BYTE_ORDER_MARK);
        }
        for (position, text) in self.changed.values().chain(&self.new).enumerate() {
            if position > 0 {
                let line_end = if joined.ends_with('\n') { "" } else { "\n" };
                joined.push_str(line_end);
                joined.push_str("---\n");
            }
            joined.push_str(text);
        }
        (!joined.is_empty()).then_some(joined)
    }

    /// What is to be written must be accepted beside the `Mesh` and the other policies; what is allowed with it.
    pub(super) fn check(&self, known: &Known) -> Result<Known, Failure> {
        let mut sources = known.sources.clone();
        for (position, source) in sources.iter_mut().enumerate() {
            if let Some(text) = self.changed.get(&position) {
                source.text.clone_from(text);
            }
        }
        sources.extend(self.new.iter().map(|text| SourceText {
            name: "<learnt>".to_owned(),
            text: text.clone(),
        }));
        let validated = validate(&sources, known.options);
        if validated.policies.is_some() {
            return known.with(sources, validated);
        }
        report::diagnostics(&validated.diagnostics, &sources);
        let severities = validated.diagnostics.iter().map(Diagnostic::severity);
        let counts = report::counts(severities);
        let mut codes = validated.diagnostics.iter().map(|found| found.code);
        if codes.any(|code| code == Code::MissingService) {
            return Err(LearnError::LearntWithoutService(counts).into());
        }
        Err(LearnError::NotLearnt(counts).into())
    }
}

/// The rules as a list in YAML, with what was seen above each, and what is rare below them.
fn list(rules: &[RuleSpec], proposals: &Proposals) -> Result<String, OutputError> {
    let mut text = String::new();
    for (rule, calls) in rules.iter().zip(proposals.learnt.values()) {
        for call in calls.iter().take(MOST_COMMENTS) {
            let _ = writeln!(text, "# {}", call_line(call));
        }
        if let Some(more @ 1..) = calls.len().checked_sub(MOST_COMMENTS) {
            let _ = writeln!(text, "# and {more} more");
        }
        text.push_str(&output::yaml(&[rule])?);
    }
    add_rare(&proposals.rare, &mut text);
    Ok(text)
}

fn add_rare(rare: &[ProposedCall], text: &mut String) {
    if !rare.is_empty() {
        text.push_str("# Rare, and therefore not learnt:\n");
    }
    for call in rare.iter().take(MOST_COMMENTS) {
        let _ = writeln!(text, "#   {}: {}", call.caller, call_line(call));
    }
    if let Some(more @ 1..) = rare.len().checked_sub(MOST_COMMENTS) {
        let _ = writeln!(text, "#   and {more} more");
    }
}

fn new_document(name: &PolicyName, rules: &str, args: &Args) -> Result<String, Failure> {
    let mut labels: BTreeMap<_, _> = args.selector.iter().cloned().collect();
    let is_guessed = labels.is_empty();
    if is_guessed {
        labels.insert("app".to_owned(), name.name.clone());
    }
    let service = (!args.service_ports.is_empty()).then(|| ServiceSpec {
        name: None,
        ports: args.service_ports.clone(),
        mtls: None,
        subsets: None,
        traffic: None,
    });
    let document = ServicePolicyDocument {
        api_version: ApiVersion::V1Alpha1,
        kind: ServicePolicyKind::ServicePolicy,
        metadata: PolicyMetadata {
            name: name.name.clone(),
            namespace: name.namespace.clone(),
            labels: None,
            annotations: None,
        },
        spec: ServicePolicySpec {
            scope: None,
            selector: Some(Selector {
                match_labels: labels,
            }),
            target_refs: None,
            service_account: None,
            service,
            exposures: None,
            external_hosts: None,
            otherwise: None,
            tcp_ports: None,
            enforcement: (!args.enforce).then_some(Enforcement::Shadow),
            rules: Vec::new(),
        },
    };
    let mut text = String::new();
    if is_guessed {
        text.push_str(
            "# The selector is a guess: see that it names the labels of the workload's pods.\n",
        );
    }
    text.push_str(&output::yaml(&document)?);
    let text = with_rules(&text, name, rules);
    let text = text.map_err(|reason| NotEditable::new("<learnt>", reason))?;
    Ok(text)
}

fn with_rules(text: &str, name: &PolicyName, rules: &str) -> Result<String, EditError> {
    let text = PolicyText::parse(text)?;
    text.apply(vec![text.append_rules(name, rules)?])
}
