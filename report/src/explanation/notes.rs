//! Caveats of an explanation and its change.

use policy_schema::printable::printable;
use policy_schema::rule_spec::Enforcement;

use super::report::Report;

/// One sentence per caveat.
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
        "the decision ID is not sealed: anyone could have forged it",
    );
    note(
        explanation.is_same_revision == Some(false),
        "the documents have a different revision than the filter had",
    );
    note(
        explanation.is_same_revision.is_none(),
        "the filter's policy had no revision: it may come from other documents",
    );
    note(
        explanation.enforcement == Enforcement::Shadow,
        "the policy is in shadow in these documents: requests that it would deny pass",
    );
    note(
        explanation.asks_for_more,
        "rules depend on headers, tokens or addresses, which a decision ID does not contain: the request is assumed to have none",
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
        notes.push(format!("apply the patch in {folder}: `{command}`"));
    }
    notes
}
