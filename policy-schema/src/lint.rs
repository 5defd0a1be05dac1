//! Reports suspicious documents: values that can never match in this mesh, and mistakes that only
//! show across documents.
//!
//! A rule or value that no request can match is an error. Findings of [`overlapping`](overlapping) are
//! warnings.

mod across_documents;
mod callers;
mod condition;
mod covered;
mod declared;
mod evadable_path;
mod excluded;
mod foreign_syntax;
mod found;
mod ineffective_pass;
mod jwt;
mod misspelling;
mod open_exclusions;
mod operation;
mod paths;
mod ports;
mod rule_cover;
mod sample;
mod source;
mod unknown_callers;
mod unknown_labels;
mod unknown_providers;
mod unknown_targets;
mod values;
mod wide_allow;

use crate::code;
use crate::policy::Mesh;
use crate::problem::{Cursor, Problems};
use crate::rule::Rule;
use crate::timestamp::Timestamp;

use found::Found;

pub(crate) use across_documents::lint_across_documents;

/// The name in `names` that `name` probably misspells. Of very many names, only the first are
/// compared.
pub(crate) fn closest<'n>(name: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let names = names.into_iter().take(misspelling::MAX_COMPARED);
    misspelling::Names::new(names).closest(name)
}

/// Reports the parts of `rule` that can never match in `mesh` after the time `at`. Callers without
/// an identity exist only if `accepts_plaintext`.
pub(crate) fn lint_rule(
    rule: &Rule,
    mesh: &Mesh,
    accepts_plaintext: bool,
    at: Timestamp,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    if let Some(end) = rule.validity.not_after
        && end <= at
    {
        problems.report(
            code::EXPIRED_RULE,
            &cursor.key("notAfter"),
            format!("rule `{}` expired at {end}", rule.id),
            "remove the rule, or set a later `notAfter`: an expired rule never matches",
        );
    }
    let from = cursor.key("from");
    for (index, source) in rule.sources.iter().enumerate() {
        let cursor = from.index(index);
        source::check(
            source,
            rule.effect,
            mesh,
            accepts_plaintext,
            &cursor,
            problems,
        );
    }
    let when = cursor.key("when");
    for (index, condition) in rule.conditions.iter().enumerate() {
        condition::check(condition, rule.effect, mesh, &when.index(index), problems);
    }
    jwt::check(rule, mesh, cursor, problems);
    let to = cursor.key("to");
    for (index, operation) in rule.operations.iter().enumerate() {
        operation::check(operation, rule.effect, mesh, &to.index(index), problems);
    }
}
