//! The result of learning, as text.

use std::cmp::Reverse;
use std::fmt::Write as _;

use peergate_insight::learning::document::{ByHand, Document, NewPolicy};
use peergate_insight::learning::learned::Learned;
use peergate_insight::learning::path_folding::{HeldBack, HeldBackReason};
use peergate_insight::learning::proposal::Coverage;
use peergate_insight::learning::rule::{request_count, tally_text};
use peergate_insight::learning::seen::{Faults, WithoutCaller};
use peergate_insight::learning::wording::call_line;
use policy_schema::istio::ACCESS_LOG_PROVIDER;
use policy_schema::printable::{clipped, printable};

use super::excluded;
use super::unread::Unread;
use crate::columns::{Layout, left};
use crate::remark::Remark;

/// The maximum number of lines per title.
const MAX_LINES: usize = 20;

/// The hint for a template that was not generated.
const TEMPLATE_HINT: &str = "; add it with `--template`";

/// A title and a line.
const LINES: Layout<'_> = Layout {
    indent: 2,
    gap: 2,
    columns: &[left(8), left(0)],
};

/// Formats the result for each workload, the unusable lines, and the changes to make by hand.
pub fn remarks(learned: &[Learned], unread: &Unread, new: &NewPolicy) -> Vec<Remark> {
    let mut text = String::new();
    for one in learned {
        workload(one, new, &mut text);
    }
    if learned.iter().all(|one| one.document.is_none()) {
        text.push_str("no rules to propose\n");
    }
    if learned.len() > 1 {
        let coverage = learned.iter().map(|one| one.proposals.coverage).sum();
        let _ = writeln!(
            text,
            "all drafts together cover {}",
            coverage_text(coverage)
        );
    }
    let mut remarks = vec![Remark::Plain(text.trim_end().to_owned())];
    remarks.extend(
        unread
            .faults
            .iter()
            .map(|faults| Remark::Note(fault_line(faults))),
    );
    let without_caller = unread.without_caller.as_ref();
    remarks.extend(without_caller.map(|lines| Remark::Note(without_caller_line(lines))));
    let documents = learned.iter().filter_map(|one| one.document.as_ref());
    for by_hand in documents.filter_map(Document::by_hand) {
        let ByHand { file, reason, list } = by_hand;
        remarks.push(Remark::Note(printable(&format!(
            "{file} is unchanged: {reason}; add these rules by hand:"
        ))));
        remarks.push(Remark::Plain(list.trim_end().to_owned()));
    }
    remarks
}

/// The number of lines without a caller, and how to configure the access log.
fn without_caller_line(without_caller: &WithoutCaller) -> String {
    let WithoutCaller {
        file,
        line,
        lines,
        outbound,
    } = without_caller;
    let does = if *lines == 1 { "does" } else { "do" };
    let were = if *outbound == 1 { "was" } else { "were" };
    let own = if *outbound > 0 {
        format!(
            " ({} of them {were} sent by the workload itself)",
            grouped(*outbound)
        )
    } else {
        String::new()
    };
    printable(&format!(
        "{}{own} {does} not name the caller and cannot be learned from; the first is {file}:{line}: set \
         `spec.telemetry.accessLog: {{requests: All, provider: {ACCESS_LOG_PROVIDER}}}` in the `Mesh`, render and apply \
         it, and install the provider with `peergate install-values`",
        count_of(*lines, "line", "lines"),
    ))
}

/// The share of eligible requests that a draft allows.
fn coverage_text(coverage: Coverage) -> String {
    let Coverage { covered, eligible } = coverage;
    format!(
        "{} of {} eligible request{}",
        grouped(covered),
        grouped(eligible),
        if eligible == 1 { "" } else { "s" }
    )
}

fn count_of(count: u64, one: &str, several: &str) -> String {
    format!(
        "{} {}",
        grouped(count),
        if count == 1 { one } else { several }
    )
}

/// A number with thousands separators.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The number of malformed lines.
fn fault_line(faults: &Faults) -> String {
    let (line, reason) = &faults.first;
    printable(&format!(
        "{}: {} of {} lines {}; the first is line {line}: {reason}",
        faults.file,
        faults.faulty,
        faults.lines,
        if faults.faulty == 1 {
            "is not an access log entry"
        } else {
            "are not access log entries"
        }
    ))
}

fn workload(one: &Learned, new: &NewPolicy, text: &mut String) {
    let seen = one.workload.seen.map(tally_text);
    let seen = seen.unwrap_or_else(|| "no requests received".to_owned());
    let _ = writeln!(text, "{}: {seen}", one.policy);
    let coverage = coverage_text(one.proposals.coverage);
    line("coverage", &format!("the draft covers {coverage}"), text);
    if let Some(document) = &one.document {
        for (rule, (caller, calls)) in document.rules.iter().zip(&one.proposals.learned) {
            line("rule", &format!("{} for {caller}", rule.id), text);
            lines("", calls.iter().map(call_line), text);
        }
        if document.is_new() && !new.is_enforced {
            let shadow = "the policy is new and in shadow, so every request passes";
            line("shadow", shadow, text);
        }
        if document.is_new() && new.selector.is_empty() {
            let guess = "the policy selects pods by a guessed label; see `--selector`";
            line("selector", guess, text);
        }
    }
    let mut rare: Vec<_> = one.proposals.rare.iter().collect();
    rare.sort_by_key(|call| Reverse(call.tally.count));
    let rare = rare
        .into_iter()
        .map(|call| format!("{}: {}", call.caller, call_line(call)));
    lines("rare", rare, text);
    if one.workload.already_allowed > 0 {
        let count = request_count(one.workload.already_allowed);
        line("allowed", &format!("{count} already allowed"), text);
    }
    if one.workload.allowed_in_shadow > 0 {
        let count = request_count(one.workload.allowed_in_shadow);
        let known = format!("{count} that shadow rules would allow");
        line("allowed", &known, text);
    }
    let held_back = one.proposals.held_back.iter();
    lines("literal", held_back.map(held_back_line), text);
    let excluded = excluded::lines(&one.workload.excluded);
    lines("excluded", excluded.into_iter(), text);
}

fn lines(title: &str, all: impl ExactSizeIterator<Item = String>, text: &mut String) {
    let more = all.len().saturating_sub(MAX_LINES);
    all.take(MAX_LINES).for_each(|one| line(title, &one, text));
    if more > 0 {
        line(title, &format!("and {more} more"), text);
    }
}

fn line(title: &str, value: &str, text: &mut String) {
    text.push_str(&LINES.line([title, value]));
    text.push('\n');
}

fn held_back_line(held_back: &HeldBack) -> String {
    let line = match &held_back.because {
        HeldBackReason::Word(word) => format!(
            "{} is not a template: `{}` is a word in the position of an ID{TEMPLATE_HINT}",
            held_back.template,
            clipped(word)
        ),
        HeldBackReason::OtherForm(id) => format!(
            "{} is not a template: `{}` has a different form than the other IDs in this position{TEMPLATE_HINT}",
            held_back.template,
            clipped(id)
        ),
        HeldBackReason::Denied(path) => {
            format!(
                "{} is not a template: `{path}` was denied{TEMPLATE_HINT}",
                held_back.template
            )
        }
    };
    printable(&line)
}
