//! What is ready → the policy texts without its `enforcement`.

use policy_schema::diagnostic::SourceText;
use policy_schema::edit::{Edit, EditError, PolicyText};
use policy_schema::plugin_config::{PluginConfig, PolicyName};
use policy_schema::policy::PolicySet;
use policy_schema::rule_spec::{Enforcement, Otherwise, RuleSpec};
use policy_schema::validate::{Options, validate};

use super::candidate::Candidate;
use crate::policy_text::{NotEditable, Unsound};

const FIELD: &str = "enforcement";

/// Texts of policies in which something is enforced.
#[derive(Debug)]
pub struct Enforced {
    /// All texts that were given, changed or not, in that order.
    pub texts: Vec<SourceText>,
    /// What is no longer in shadow.
    pub changes: Vec<Change>,
}

/// Something that is enforced from now on.
#[derive(Debug)]
pub struct Change {
    /// The name of the text that has it.
    pub file: String,
    /// The policy that is enforced, or has the rule.
    pub policy: PolicyName,
    /// None for the policy itself.
    pub rule: Option<String>,
}

/// Why nothing is enforced.
#[derive(Debug)]
pub enum EnforceError {
    /// A text cannot be changed safely.
    NotEditable(NotEditable),
    /// Enforced, the policies are not valid.
    Unsound(Unsound),
    /// The policy would be in shadow all the same, as the default of the mesh.
    StillInShadow(PolicyName),
}

/// Changes texts such that all of this is enforced, and nothing else of what they mean.
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

/// The text with what of it is ready no longer in shadow.
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

/// Sees to it that the changed texts are policies, and mean what was asked for and nothing else.
fn checked(
    texts: Vec<SourceText>,
    set: &PolicySet,
    ready: &[&Candidate],
    options: Options,
) -> Result<Vec<SourceText>, EnforceError> {
    let validated = validate(&texts, options);
    let Some(enforced) = validated.policies else {
        return Err(EnforceError::Unsound(Unsound {
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

/// What a policy says.
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

    /// Enforces a rule, or the policy.
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
