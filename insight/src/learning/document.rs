//! Proposals → rules, and policy texts with these rules.
//!
//! Existing files keep their text. New rules are appended to the rules of the policy.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use policy_schema::diagnostic::SourceText;
use policy_schema::document::{
    PolicyMetadata, Selector, ServicePolicyDocument, ServicePolicyKind, ServicePolicySpec,
    ServicePortSpec, ServiceSpec,
};
use policy_schema::edit::{Edit, EditError, PolicyText};
use policy_schema::plugin_config::{ApiVersion, PolicyName};
use policy_schema::rule_spec::{Enforcement, RuleSpec};
use policy_schema::yaml_text::{YamlTextError, yaml_text};
use thiserror::Error;

use super::caller::RuleIds;
use super::existing_policies::{ExistingPolicies, ExistingPoliciesError};
use super::proposal::{Proposals, ProposedCall};
use super::rule::rule;
use super::wording::call_line;
use crate::policy_text::NotEditable;

/// The maximum number of calls in comments.
const MAX_COMMENTS: usize = 40;

/// Settings of new policies.
#[derive(Debug)]
pub struct NewPolicy {
    /// The labels of the selected pods. `app: NAME` if empty.
    pub selector: Vec<(String, String)>,
    /// The ports of the service. No service if empty.
    pub service_ports: Vec<ServicePortSpec>,
    /// Whether new policies and rules are enforced instead of in shadow.
    pub is_enforced: bool,
}

/// Why the rules cannot be written.
#[derive(Debug, Error)]
pub enum DocumentError {
    /// A text cannot be edited safely.
    #[error(transparent)]
    NotEditable(#[from] NotEditable),
    /// A document or rule cannot be serialized.
    #[error(transparent)]
    Yaml(#[from] YamlTextError),
}

/// The proposed rules for a policy.
#[derive(Debug)]
pub struct Document {
    /// The rules, in order of callers.
    pub rules: Vec<RuleSpec>,
    pub(super) destination: Destination,
}

/// The destination of the rules.
#[derive(Debug)]
pub(super) enum Destination {
    /// A new policy with this text.
    New(String),
    /// An edit of an existing source.
    Within { source: usize, edit: Edit },
    /// A policy file that cannot be edited.
    ByHand(ByHand),
}

/// Rules to add by hand.
#[derive(Debug)]
pub struct ByHand {
    /// The name of the policy file.
    pub file: String,
    /// Why the file cannot be edited.
    pub reason: EditError,
    /// The rules as a YAML list.
    pub list: String,
}

/// All texts with learned rules.
#[derive(Debug, Default)]
pub struct LearnedTexts {
    /// Changed sources.
    changed: BTreeMap<usize, String>,
    /// New policies.
    new: Vec<String>,
}

impl Document {
    /// The rules and their destination. `texts` are the parsed sources. None without a proposal.
    pub(super) fn new(
        name: &PolicyName,
        proposals: &Proposals,
        existing: &ExistingPolicies,
        texts: &[PolicyText<'_>],
        new: &NewPolicy,
    ) -> Result<Option<Self>, DocumentError> {
        if proposals.learned.is_empty() {
            return Ok(None);
        }
        let current = existing.enforcement(name);
        // Rules of a shadow policy are in shadow anyway, and only count without a redundant `enforcement`.
        let enforcement = (current == Some(Enforcement::Enforce) && !new.is_enforced)
            .then_some(Enforcement::Shadow);
        let mut ids = RuleIds::excluding(existing.rule_ids(name));
        let rules: Vec<_> = proposals
            .learned
            .iter()
            .map(|(caller, calls)| rule(caller, calls, &name.namespace, enforcement, &mut ids))
            .collect();
        let list = list(&rules, proposals)?;
        let mut sources = texts.iter().zip(&existing.sources).enumerate();
        let destination = match sources.find(|(_, (text, _))| text.has_policy(name)) {
            None => Destination::New(new_document(name, &list, new)?),
            Some((source, (text, file))) => match text.append_rules(name, &list) {
                Ok(edit) => Destination::Within { source, edit },
                Err(reason) => Destination::ByHand(ByHand {
                    file: file.name.clone(),
                    reason,
                    list,
                }),
            },
        };
        Ok(Some(Self { rules, destination }))
    }

    /// Whether the policy is new.
    pub fn is_new(&self) -> bool {
        matches!(self.destination, Destination::New(_))
    }

    /// Rules to add by hand.
    pub fn by_hand(&self) -> Option<&ByHand> {
        match &self.destination {
            Destination::ByHand(by_hand) => Some(by_hand),
            Destination::New(_) | Destination::Within { .. } => None,
        }
    }
}

impl LearnedTexts {
    /// Creates the texts with all of these rules.
    pub fn with<'d>(
        documents: impl Iterator<Item = &'d Document>,
        texts: &[PolicyText<'_>],
        existing: &ExistingPolicies,
    ) -> Result<Self, NotEditable> {
        let mut new = Vec::new();
        let mut edits: BTreeMap<usize, Vec<Edit>> = BTreeMap::new();
        for document in documents {
            match &document.destination {
                Destination::New(text) => new.push(text.clone()),
                Destination::Within { source, edit } => {
                    edits.entry(*source).or_default().push(edit.clone());
                }
                Destination::ByHand(_) => {}
            }
        }
        let mut changed = BTreeMap::new();
        let sources = texts.iter().zip(&existing.sources).enumerate();
        for (position, (text, source)) in sources {
            if let Some(edits) = edits.remove(&position) {
                let text = text.apply(edits);
                let text = text.map_err(|reason| NotEditable::new(&source.name, reason))?;
                changed.insert(position, text);
            }
        }
        Ok(Self { changed, new })
    }

    /// The text that contains a document.
    pub fn text_of<'t>(&'t self, document: &'t Document) -> Option<&'t str> {
        match &document.destination {
            Destination::New(text) => Some(text),
            Destination::Within { source, .. } => self.changed.get(source).map(String::as_str),
            Destination::ByHand(_) => None,
        }
    }

    /// The changed source, if it is the only output.
    pub fn only_source(&self) -> Option<usize> {
        let mut changed = self.changed.keys();
        let first = changed.next().filter(|_| self.new.is_empty())?;
        changed.next().is_none().then_some(*first)
    }

    /// All texts as one stream. None if there are none.
    pub fn joined(&self) -> Option<String> {
        let mut joined = String::new();
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

    /// Validates the texts together with the `Mesh` and the other policies.
    pub(super) fn check(
        &self,
        existing: &ExistingPolicies,
    ) -> Result<ExistingPolicies, ExistingPoliciesError> {
        let mut sources = existing.sources.clone();
        for (position, source) in sources.iter_mut().enumerate() {
            if let Some(text) = self.changed.get(&position) {
                source.text.clone_from(text);
            }
        }
        sources.extend(self.new.iter().map(|text| SourceText {
            name: "<learned>".to_owned(),
            text: text.clone(),
        }));
        existing.with(sources)
    }
}

/// The rules as a YAML list, with comments about their calls and about rare calls.
fn list(rules: &[RuleSpec], proposals: &Proposals) -> Result<String, YamlTextError> {
    let mut text = String::new();
    for (rule, calls) in rules.iter().zip(proposals.learned.values()) {
        for call in calls.iter().take(MAX_COMMENTS) {
            let _ = writeln!(text, "# {}", call_line(call));
        }
        if let Some(more @ 1..) = calls.len().checked_sub(MAX_COMMENTS) {
            let _ = writeln!(text, "# and {more} more");
        }
        text.push_str(&yaml_text(&[rule])?);
    }
    add_rare(&proposals.rare, &mut text);
    Ok(text)
}

fn add_rare(rare: &[ProposedCall], text: &mut String) {
    if !rare.is_empty() {
        text.push_str("# Rare, and therefore not learned:\n");
    }
    for call in rare.iter().take(MAX_COMMENTS) {
        let _ = writeln!(text, "#   {}: {}", call.caller, call_line(call));
    }
    if let Some(more @ 1..) = rare.len().checked_sub(MAX_COMMENTS) {
        let _ = writeln!(text, "#   and {more} more");
    }
}

fn new_document(name: &PolicyName, rules: &str, new: &NewPolicy) -> Result<String, DocumentError> {
    let mut labels: BTreeMap<_, _> = new.selector.iter().cloned().collect();
    let is_guessed = labels.is_empty();
    if is_guessed {
        labels.insert("app".to_owned(), name.name.clone());
    }
    let service = (!new.service_ports.is_empty()).then(|| ServiceSpec {
        name: None,
        ports: new.service_ports.clone(),
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
            enforcement: (!new.is_enforced).then_some(Enforcement::Shadow),
            rules: Vec::new(),
        },
    };
    let mut text = String::new();
    if is_guessed {
        text.push_str(
            "# The selector is a guess: check that it matches the labels of the workload's pods.\n",
        );
    }
    text.push_str(&yaml_text(&document)?);
    let text = with_rules(&text, name, rules);
    let text = text.map_err(|reason| NotEditable::new("<learned>", reason))?;
    Ok(text)
}

fn with_rules(text: &str, name: &PolicyName, rules: &str) -> Result<String, EditError> {
    let text = PolicyText::parse(text)?;
    text.apply(vec![text.append_rules(name, rules)?])
}
