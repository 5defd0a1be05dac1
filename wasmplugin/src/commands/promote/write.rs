//! What is ready → the policy files without its `enforcement`.

use peergate_fault::Failure;
use policy_schema::diagnostic::{Diagnostic, SourceText};
use policy_schema::edit::{Edit, EditError, PolicyText};
use policy_schema::plugin_config::{PluginConfig, PolicyName};
use policy_schema::policy::PolicySet;
use policy_schema::rule_spec::{Enforcement, Otherwise, RuleSpec};
use policy_schema::validate::{Options, validate};

use super::error::PromoteError;
use super::report::Written;
use crate::input::Input;
use crate::policy_file::{PolicyFileError, changed_file};
use crate::promotion::candidate::Candidate;
use crate::{output, report};

const FIELD: &str = "enforcement";

/// Changes the files such that all of this is enforced, or none of them.
pub(super) fn enforce(
    input: &Input,
    set: &PolicySet,
    ready: &[&Candidate],
    options: Options,
) -> Result<Vec<Written>, Failure> {
    let mut changed = Vec::with_capacity(input.sources.len());
    let mut files = Vec::new();
    let mut written = Vec::new();
    for source in &input.sources {
        let (text, enforced) = without_shadow(source, ready)?;
        if !enforced.is_empty() {
            files.push(changed_file(source, &text)?);
        }
        written.extend(enforced);
        changed.push(SourceText {
            name: source.name.clone(),
            text,
        });
    }
    check(&changed, set, ready, options)?;
    output::write_files(files)?;
    Ok(written)
}

/// The text with what of it is ready no longer in shadow.
fn without_shadow(
    source: &SourceText,
    ready: &[&Candidate],
) -> Result<(String, Vec<Written>), Failure> {
    let refused = |reason: EditError| PolicyFileError::NotEditable {
        name: source.name.clone(),
        reason,
    };
    let text = PolicyText::parse(&source.text).map_err(refused)?;
    let mut edits = Vec::new();
    let mut written = Vec::new();
    for candidate in ready {
        let members = candidate.members.iter().map(|member| &member.name);
        for policy in members.filter(|policy| text.has_policy(policy)) {
            let rule = candidate.rule();
            edits.push(removal(&text, policy, rule).map_err(refused)?);
            written.push(Written {
                file: source.name.clone(),
                policy: policy.clone(),
                rule: rule.map(str::to_owned),
            });
        }
    }
    Ok((text.apply(edits).map_err(refused)?, written))
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
fn check(
    changed: &[SourceText],
    set: &PolicySet,
    ready: &[&Candidate],
    options: Options,
) -> Result<(), Failure> {
    let validated = validate(changed, options);
    let Some(enforced) = validated.policies else {
        report::diagnostics(&validated.diagnostics, changed);
        let severities = validated.diagnostics.iter().map(Diagnostic::severity);
        return Err(PromoteError::InvalidWhenEnforced(report::counts(severities)).into());
    };
    for (before, after) in set.policies().iter().zip(enforced.policies()) {
        let of_policy = ready
            .iter()
            .filter(|candidate| candidate.is_of(before.name()));
        let mut expected = Meaning::new(set.plugin_config(before));
        for candidate in of_policy {
            expected.enforce(candidate.rule());
        }
        if expected != Meaning::new(enforced.plugin_config(after)) {
            return Err(PromoteError::StillInShadow(before.name().clone()).into());
        }
    }
    Ok(())
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
