//! A proposed call in words.

use std::fmt::Write as _;

use policy_schema::printable::{clipped, printable};
use policy_schema::wording::counted;

use super::path_folding::ByHand as TemplateByHand;
use super::proposal::{ProposedCall, Rarity};
use super::rule::tally_text;

/// What a call was, how often and when it was seen, without its caller.
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
            "; by hand: takes in {} such as {}",
            counted(paths.count, "path", "paths"),
            paths.example
        );
        if let Some(denied) = denied {
            let _ = write!(
                line,
                ", and {} that the caller was denied, such as {}",
                counted(denied.count, "path", "paths"),
                denied.example
            );
        }
    }
    for fold in &call.pattern.folds {
        let _ = write!(
            line,
            "; {{*}} is {} ids such as {}",
            fold.distinct,
            fold.examples.join(", ")
        );
    }
    if let Some(odd) = &call.pattern.odd {
        let _ = write!(
            line,
            "; also takes values such as {odd}, which was seen in this place seldom"
        );
    }
    if let Some(seldom) = &call.pattern.seldom {
        let _ = write!(
            line,
            "; {} of it seen a few times only, such as {}",
            counted(seldom.count, "path", "paths"),
            seldom.example
        );
    }
    if let Some(forbidden) = &call.pattern.forbidden {
        let _ = write!(
            line,
            "; {} more refused by the workload, an authorizer or for their token, such as {}",
            counted(forbidden.count, "path", "paths"),
            forbidden.example
        );
    }
    match call.rarity {
        None => {}
        Some(Rarity::Few) => line.push_str("; seen a few times only"),
        Some(Rarity::Brief) => line.push_str("; seen in a short part of the period only"),
    }
    printable(&line)
}
