//! What is ready → the policy files without its `enforcement`.

use std::path::PathBuf;

use policy_schema::diagnostic::{Diagnostic, SourceText};
use policy_schema::plugin_config::PluginConfig;
use policy_schema::policy::PolicySet;
use policy_schema::rule_spec::{Enforcement, Otherwise, RuleSpec};
use policy_schema::validate::{Options, validate};

use super::Written;
use crate::failure::Failure;
use crate::input::{self, Input};
use crate::output::{self, NewFile};
use crate::policy_edit::{Edit, EditError, PolicyText};
use crate::promotion::candidate::Candidate;
use crate::report;

const FIELD: &str = "enforcement";
const BYTE_ORDER_MARK: &str = "\u{feff}";

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
            files.push(new_file(source, &text)?);
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
    let refused = |reason: EditError| Failure::NotEditable {
        name: source.name.clone(),
        reason,
    };
    let text = PolicyText::parse(&source.text).map_err(refused)?;
    let here = ready
        .iter()
        .filter(|candidate| text.has_policy(&candidate.policy));
    let mut edits = Vec::new();
    let mut written = Vec::new();
    for candidate in here {
        edits.push(removal(&text, candidate).map_err(refused)?);
        written.push(Written {
            file: source.name.clone(),
            candidate: (*candidate).clone(),
        });
    }
    Ok((text.apply(edits).map_err(refused)?, written))
}

fn removal(text: &PolicyText<'_>, candidate: &Candidate) -> Result<Edit, EditError> {
    match candidate.rule() {
        None => text.remove_spec_field(&candidate.policy, FIELD),
        Some(rule) => text.remove_rule_field(&candidate.policy, rule, FIELD),
    }
}

/// The file with the changed text, unless somebody else has changed it meanwhile.
fn new_file(source: &SourceText, text: &str) -> Result<NewFile, Failure> {
    let path = PathBuf::from(&source.name);
    let now = input::bytes(&path)?;
    let mark = if now.starts_with(BYTE_ORDER_MARK.as_bytes()) {
        BYTE_ORDER_MARK
    } else {
        ""
    };
    if now.strip_prefix(mark.as_bytes()) != Some(source.text.as_bytes()) {
        return Err(Failure::ChangedMeanwhile(path));
    }
    Ok(NewFile {
        path,
        content: [mark, text].concat().into_bytes(),
    })
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
        return Err(Failure::InvalidWhenEnforced(report::counts(severities)));
    };
    for (before, after) in set.policies().iter().zip(enforced.policies()) {
        let of_policy = ready
            .iter()
            .filter(|candidate| candidate.policy == *before.name());
        let mut expected = Meaning::new(PluginConfig::of_policy(set, before));
        for candidate in of_policy {
            expected.enforce(candidate.rule());
        }
        if expected != Meaning::new(PluginConfig::of_policy(&enforced, after)) {
            return Err(Failure::StillInShadow(before.name().clone()));
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
