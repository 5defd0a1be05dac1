//! What an import says on stderr.

use std::collections::BTreeMap;

use policy_schema::import::{Documents, Finding, Outcome};
use policy_schema::wording::counted;

use super::text::Places;
use crate::report::{self, LimitArgs};

/// More kinds than these are not named in one line.
const MAX_KINDS: usize = 8;

/// Shows findings, those of other kinds of objects in one line unless all are wanted.
pub(super) fn show(findings: &[Finding], places: &Places<'_>, limit: LimitArgs, verbose: bool) {
    let is_shown = |finding: &&Finding| verbose || finding.outcome != Outcome::Unrelated;
    let shown: Vec<_> = findings.iter().filter(is_shown).collect();
    for finding in limit.choose(&shown, |finding| finding.outcome.is_loss()) {
        let place = places.shown(finding.place);
        let message = report::shortened(&finding.message);
        match finding.outcome {
            Outcome::Unrelated => {
                report::note(&format!("{place}: {message} has no part in an import"));
            }
            Outcome::Noted => report::note(&format!("{place}: {message}")),
            Outcome::Unreadable => report::warning(&format!("{place}: cannot be read: {message}")),
            Outcome::LeftOut => report::warning(&format!("{place}: not carried over: {message}")),
            Outcome::Fatal => report::error(&format!("{place}: {message}")),
        }
    }
    if !verbose {
        summarize_unrelated(findings);
    }
}

fn summarize_unrelated(findings: &[Finding]) {
    let unrelated = findings
        .iter()
        .filter(|finding| finding.outcome == Outcome::Unrelated);
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in unrelated {
        *kinds.entry(&finding.message).or_default() += 1;
    }
    let count = kinds.values().sum();
    if count == 0 {
        return;
    }
    let mut by_count: Vec<_> = kinds.into_iter().collect();
    by_count.sort_by_key(|(kind, count)| (usize::MAX - count, *kind));
    let named = by_count.iter().take(MAX_KINDS);
    let mut named: Vec<_> = named
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    if by_count.len() > MAX_KINDS {
        named.push("others".to_owned());
    }
    report::note(&format!(
        "{} no part in an import ({}); `-v` lists them",
        counted(count, "object has", "objects have"),
        named.join(", ")
    ));
}

/// Says what to delete once the rendered objects are in force.
pub(super) fn show_replaced(documents: &Documents) {
    if documents.replaced.is_empty() {
        return;
    }
    let mut text = "rendered objects replace what is imported; once `peergate verify` finds them in force, delete the originals in this order:".to_owned();
    for replaced in &documents.replaced {
        text.push_str("\n  kubectl delete authorizationpolicies.security.istio.io -n ");
        text.push_str(&replaced.namespace);
        for name in &replaced.names {
            text.push(' ');
            text.push_str(name);
        }
    }
    report::note(&text);
}
