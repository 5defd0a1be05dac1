//! Warnings for a user who trusts an explanation or applies its change.

use policy_schema::printable::printable;
use policy_schema::rule_spec::Enforcement;

use super::report::Report;

/// One sentence each.
pub fn notes(report: &Report<'_>) -> Vec<String> {
    let explanation = &report.explained.explanation;
    let mut notes = Vec::new();
    let mut note = |applies: bool, text: &str| {
        if applies {
            notes.push(text.to_owned());
        }
    };
    note(
        !report.explained.is_sealed,
        "the id is not sealed with a key: anybody may have made it up",
    );
    note(
        explanation.is_same_revision == Some(false),
        "the documents have another revision than the filter had",
    );
    note(
        explanation.is_same_revision.is_none(),
        "the filter's policy had no revision, so it may have been of other documents",
    );
    note(
        explanation.enforcement == Enforcement::Shadow,
        "the policy is in shadow by the documents: what it denies passes",
    );
    note(
        explanation.asks_for_more,
        "headers, tokens and addresses are not part of an id: the request is taken to have none, and rules look at them",
    );
    if !report.is_written
        && let Some(root) = report.patch.and_then(|patch| patch.root.as_ref())
    {
        let folder = printable(&root.folder.display().to_string());
        let command = if root.is_repository {
            format!("git -C {folder} apply")
        } else {
            format!("patch -d {folder} -p1")
        };
        notes.push(format!("the patch applies in {folder}: `{command}`"));
    }
    notes
}
