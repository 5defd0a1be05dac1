//! Formats proposed calls.

use std::fmt::Write as _;

use policy_schema::printable::{clipped, printable};
use policy_schema::wording::counted;

use super::path_folding::ByHand as TemplateByHand;
use super::proposal::{ProposedCall, Rarity};
use super::rule::tally_text;

/// Formats a call without its caller.
pub fn call_line(call: &ProposedCall) -> String {
    let mut line = format!(
        "{} {}: {}",
        call.method,
        clipped(&call.pattern.text),
        tally_text(call.tally)
    );
    if let Some(TemplateByHand { paths, denied }) = &call.pattern.by_hand {
        let _ = write!(
            line,
            "; from `--template`: matches {} such as {}",
            counted(paths.count, "path", "paths"),
            paths.example
        );
        if let Some(denied) = denied {
            let _ = write!(
                line,
                ", and {} that were denied to the caller, such as {}",
                counted(denied.count, "path", "paths"),
                denied.example
            );
        }
    }
    for fold in &call.pattern.folds {
        let _ = write!(
            line,
            "; {{*}} is {} IDs such as {}",
            fold.distinct,
            fold.examples.join(", ")
        );
    }
    if let Some(odd) = &call.pattern.odd {
        let _ = write!(
            line,
            "; also matches values such as {odd}, which was rare here"
        );
    }
    if let Some(seldom) = &call.pattern.seldom {
        let _ = write!(
            line,
            "; {} with few requests, such as {}",
            counted(seldom.count, "path", "paths"),
            seldom.example
        );
    }
    if let Some(forbidden) = &call.pattern.forbidden {
        let _ = write!(
            line,
            "; also matches {} rejected by the workload, an authorizer or token validation, such as {}",
            counted(forbidden.count, "path", "paths"),
            forbidden.example
        );
    }
    match call.rarity {
        None => {}
        Some(Rarity::Few) => line.push_str("; few requests"),
        Some(Rarity::Brief) => line.push_str("; only in a short part of the period"),
    }
    printable(&line)
}
