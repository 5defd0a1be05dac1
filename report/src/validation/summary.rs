//! The summary of a validation.

use policy_schema::diagnostic::Diagnostic;
use policy_schema::policy::ServicePolicy;
use policy_schema::validate::Validated;
use policy_schema::wording::counted;

use crate::message::counts;

/// Counts the files, policies, rules and problems.
pub fn text(files: usize, validated: &Validated) -> String {
    let files = counted(files, "file", "files");
    let found = match validated.diagnostics.as_slice() {
        [] => "no problems".to_owned(),
        diagnostics => counts(diagnostics.iter().map(Diagnostic::severity)),
    };
    match &validated.policies {
        None => format!("{files}: {found}"),
        Some(set) => {
            let policies = counted(set.policies().len(), "policy", "policies");
            let rules = set.policies().iter().map(ServicePolicy::rule_count).sum();
            format!(
                "{files}, {policies}, {}: {found}",
                counted(rules, "rule", "rules")
            )
        }
    }
}
