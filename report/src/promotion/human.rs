//! The promotion report as text.

use std::fmt::Write;

use peergate_insight::promotion::candidate::{Candidate, Subject};
use peergate_insight::promotion::enforce::Change;

use super::report::Report;
use super::verdict::lines;
use super::wording::word;

/// Formats each verdict, the changed files and a summary.
pub fn text(report: &Report) -> String {
    let mut text = String::new();
    for judged in &report.judged {
        let lines = lines(judged, report);
        let _ = writeln!(text, "{}: {}", title(&judged.candidate), lines.join("\n  "));
        text.push('\n');
    }
    for written in &report.written {
        let Change { file, policy, rule } = written;
        let rule = match rule {
            Some(rule) => format!("rule {rule} of "),
            None => String::new(),
        };
        let _ = writeln!(
            text,
            "wrote {file}: {rule}policy {policy} is no longer in shadow"
        );
    }
    if report.judged.is_empty() {
        return "nothing is in shadow\n".to_owned();
    }
    let judged = report.judged.iter();
    let ready = judged.filter(|judged| judged.verdict.is_ready()).count();
    let _ = writeln!(text, "{ready} of {} ready", report.judged.len());
    text
}

/// The title of a candidate.
fn title(candidate: &Candidate) -> String {
    let members = candidate.members.iter();
    let names: Vec<_> = members.map(|member| member.name.to_string()).collect();
    let names = names.join(", ");
    match &candidate.subject {
        Subject::Policies { .. } if candidate.members.len() > 1 => {
            format!("policies {names} together")
        }
        Subject::Policies { .. } => format!("policy {names}"),
        Subject::Rule {
            id, effect, owner, ..
        } => {
            let owner = match owner {
                Some(owner) => format!(", owner {owner}"),
                None => String::new(),
            };
            format!("rule {id} of policy {names} ({}{owner})", word(*effect))
        }
    }
}
