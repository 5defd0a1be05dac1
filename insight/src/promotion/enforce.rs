//! Ready candidates → policy texts without `enforcement: Shadow`.

use policy_schema::diagnostic::SourceText;
use policy_schema::edit::{Edit, EditError, PolicyText};
use policy_schema::plugin_config::{PluginConfig, PolicyName};
use policy_schema::policy::PolicySet;
use policy_schema::rule_spec::{Enforcement, Otherwise, RuleSpec};
use policy_schema::validate::{Options, validate};

use super::candidate::Candidate;
use crate::policy_text::{InvalidEdit, NotEditable};

const FIELD: &str = "enforcement";

/// Edited policy texts.
#[derive(Debug)]
pub struct Enforced {
    /// All given texts, edited or not, in the given order.
    pub texts: Vec<SourceText>,
    /// The changes.
    pub changes: Vec<Change>,
}

/// A policy or rule that is no longer in shadow.
#[derive(Debug)]
pub struct Change {
    /// The name of the text.
    pub file: String,
    /// The policy.
    pub policy: PolicyName,
    /// The rule. None for the policy itself.
    pub rule: Option<String>,
}

/// Why the candidates cannot be enforced.
#[derive(Debug)]
pub enum EnforceError {
    /// A text cannot be edited safely.
    NotEditable(NotEditable),
    /// The edited policies are invalid.
    InvalidEdit(InvalidEdit),
    /// The policy would remain in shadow because of the mesh default.
    StillInShadow(PolicyName),
}

/// Edits texts so that all candidates are enforced and nothing else changes.
pub fn enforce(
    sources: &[SourceText],
    set: &PolicySet,
    ready: &[&Candidate],
    options: Options,
) -> Result<Enforced, EnforceError> {
    let mut texts = Vec::with_capacity(sources.len());
    let mut changes = Vec::new();
    for source in sources {
        let (text, enforced) = without_shadow(source, ready)
            .map_err(|reason| EnforceError::NotEditable(NotEditable::new(&source.name, reason)))?;
        changes.extend(enforced);
        texts.push(SourceText {
            name: source.name.clone(),
            text,
        });
    }
    let texts = checked(texts, set, ready, options)?;
    Ok(Enforced { texts, changes })
}

/// Removes the shadow of ready candidates from a text.
fn without_shadow(
    source: &SourceText,
    ready: &[&Candidate],
) -> Result<(String, Vec<Change>), EditError> {
    let text = PolicyText::parse(&source.text)?;
    let mut edits = Vec::new();
    let mut changes = Vec::new();
    for candidate in ready {
        let members = candidate.members.iter().map(|member| &member.name);
        for policy in members.filter(|policy| text.has_policy(policy)) {
            let rule = candidate.rule();
            edits.push(removal(&text, policy, rule)?);
            changes.push(Change {
                file: source.name.clone(),
                policy: policy.clone(),
                rule: rule.map(str::to_owned),
            });
        }
    }
    Ok((text.apply(edits)?, changes))
}

fn removal(
    text: &PolicyText<'_>,
    policy: &PolicyName,
    rule: Option<&str>,
) -> Result<Edit, EditError> {
    match rule {
        None => text.remove_spec_field(policy, FIELD),
        Some(rule) => text.remove_rule_field(policy, rule, FIELD),
    }
}

/// Validates the edited texts, and checks that they differ only in the requested changes.
fn checked(
    texts: Vec<SourceText>,
    set: &PolicySet,
    ready: &[&Candidate],
    options: Options,
) -> Result<Vec<SourceText>, EnforceError> {
    let validated = validate(&texts, options);
    let Some(enforced) = validated.policies else {
        return Err(EnforceError::InvalidEdit(InvalidEdit {
            texts,
            diagnostics: validated.diagnostics,
        }));
    };
    for (before, after) in set.policies().iter().zip(enforced.policies()) {
        let of_policy = ready
            .iter()
            .filter(|candidate| candidate.includes(before.name()));
        let mut expected = Meaning::new(set.plugin_config(before));
        for candidate in of_policy {
            expected.enforce(candidate.rule());
        }
        if expected != Meaning::new(enforced.plugin_config(after)) {
            return Err(EnforceError::StillInShadow(before.name().clone()));
        }
    }
    Ok(texts)
}

/// The effective configuration of a policy.
#[derive(PartialEq)]
struct Meaning {
    enforcement: Enforcement,
    otherwise: Otherwise,
    rules: Vec<RuleSpec>,
}

impl Meaning {
    fn new(config: PluginConfig) -> Self {
        Self {
            enforcement: config.enforcement,
            otherwise: config.otherwise,
            rules: config.rules,
        }
    }

    /// Enforces a rule or the policy.
    fn enforce(&mut self, rule: Option<&str>) {
        match rule {
            None => self.enforcement = Enforcement::Enforce,
            Some(id) => {
                for rule in self.rules.iter_mut().filter(|rule| rule.id == id) {
                    rule.enforcement = None;
                }
            }
        }
    }
}
