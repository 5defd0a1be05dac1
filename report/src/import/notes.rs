//! Notes about an import.

use std::collections::BTreeMap;

use policy_schema::diagnostic::Diagnostic;
use policy_schema::import::{Documents, Finding, Outcome};
use policy_schema::wording::counted;

use crate::limit;
use crate::message::shortened;
use crate::place::Texts;
use crate::remark::Remark;

/// The maximum number of kinds in one note.
const MAX_KINDS: usize = 8;

/// Warns of an unreadable file.
pub fn unreadable(name: &str, reason: &Diagnostic) -> Remark {
    Remark::Warning(format!(
        "{name}: cannot be read: {}; {}",
        reason.message, reason.help
    ))
}

/// At most `limit` findings. Unrelated objects share one note unless `all` is set.
pub fn findings(findings: &[Finding], texts: &Texts<'_>, limit: usize, all: bool) -> Vec<Remark> {
    let is_shown = |finding: &&Finding| all || finding.outcome != Outcome::Unrelated;
    let shown: Vec<_> = findings.iter().filter(is_shown).collect();
    let chosen = limit::choose(&shown, limit, |finding| finding.outcome.is_loss());
    let mut remarks: Vec<_> = chosen.left_out.map(Remark::Note).into_iter().collect();
    remarks.extend(
        chosen
            .shown
            .into_iter()
            .map(|finding| remark(finding, texts)),
    );
    if !all {
        remarks.extend(unrelated(findings).map(Remark::Note));
    }
    remarks
}

fn remark(finding: &Finding, texts: &Texts<'_>) -> Remark {
    let place = texts.line(finding.place).unwrap_or_default();
    let message = shortened(&finding.message);
    match finding.outcome {
        Outcome::Unrelated => Remark::Note(format!("{place}: {message} is not imported")),
        Outcome::Noted => Remark::Note(format!("{place}: {message}")),
        Outcome::Unreadable => Remark::Warning(format!("{place}: cannot be read: {message}")),
        Outcome::LeftOut => Remark::Warning(format!("{place}: not carried over: {message}")),
        Outcome::Fatal => Remark::Error(format!("{place}: {message}")),
    }
}

fn unrelated(findings: &[Finding]) -> Option<String> {
    let unrelated = findings
        .iter()
        .filter(|finding| finding.outcome == Outcome::Unrelated);
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in unrelated {
        *kinds.entry(&finding.message).or_default() += 1;
    }
    let count = kinds.values().sum();
    if count == 0 {
        return None;
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
    Some(format!(
        "{} not imported ({}); `-v` lists them",
        counted(count, "unrelated object is", "unrelated objects are"),
        named.join(", ")
    ))
}

/// The objects to delete once the rendered objects are in force.
pub fn replaced(documents: &Documents) -> Option<String> {
    if documents.replaced.is_empty() {
        return None;
    }
    let mut text = "the rendered objects replace the imported ones; once `peergate verify` finds them in force, delete the originals in this order:".to_owned();
    for replaced in &documents.replaced {
        text.push_str("\n  kubectl delete authorizationpolicies.security.istio.io -n ");
        text.push_str(&replaced.namespace);
        for name in &replaced.names {
            text.push(' ');
            text.push_str(name);
        }
    }
    Some(text)
}
