//! What was learnt and what was not, for people.

use std::cmp::Reverse;
use std::fmt::Write as _;

use peergate_insight::learning::document::{ByHand, Document, NewPolicy};
use peergate_insight::learning::learnt::Learnt;
use peergate_insight::learning::path_folding::{Because, HeldBack};
use peergate_insight::learning::proposal::Coverage;
use peergate_insight::learning::rule::{requests, told};
use peergate_insight::learning::seen::{Faults, WithoutCaller};
use peergate_insight::learning::wording::call_line;
use policy_schema::istio::ACCESS_LOG_PROVIDER;
use policy_schema::printable::{clipped, printable};

use super::aside;
use super::unread::Unread;
use crate::columns::{Layout, left};
use crate::remark::Remark;

/// More lines than these of one kind are not shown.
const MOST: usize = 20;

/// What to do where a template was not made.
const BY_HAND: &str = "; `--template` makes it one";

/// What stands before a line says what it is about.
const LINES: Layout<'_> = Layout {
    indent: 2,
    gap: 2,
    columns: &[left(6), left(0)],
};

/// What was learnt for each workload, which lines were not, and what people have to do by hand.
pub fn remarks(learnt: &[Learnt], unread: &Unread, new: &NewPolicy) -> Vec<Remark> {
    let mut text = String::new();
    for one in learnt {
        workload(one, new, &mut text);
    }
    if learnt.iter().all(|one| one.document.is_none()) {
        text.push_str("there is nothing to propose\n");
    }
    if learnt.len() > 1 {
        let coverage = learnt.iter().map(|one| one.proposals.coverage).sum();
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
    let documents = learnt.iter().filter_map(|one| one.document.as_ref());
    for by_hand in documents.filter_map(Document::by_hand) {
        let ByHand { file, reason, list } = by_hand;
        remarks.push(Remark::Note(printable(&format!(
            "{file} is not changed: {reason}; put these rules there by hand:"
        ))));
        remarks.push(Remark::Plain(list.trim_end().to_owned()));
    }
    remarks
}

/// What lines do not say who called, and how to have them say so.
fn without_caller_line(without_caller: &WithoutCaller) -> String {
    let WithoutCaller {
        file,
        line,
        lines,
        outbound,
    } = without_caller;
    let does = if *lines == 1 { "does" } else { "do" };
    let calls = if *outbound == 1 { "a call" } else { "calls" };
    let own = if *outbound > 0 {
        format!(
            " ({} of them {calls} that the workload itself made)",
            grouped(*outbound)
        )
    } else {
        String::new()
    };
    printable(&format!(
        "{}{own} {does} not name the caller, so nothing can be learned from them; the first is {file}:{line}: set \
         `spec.telemetry.accessLog: {{requests: All, provider: {ACCESS_LOG_PROVIDER}}}` in the `Mesh`, render and apply \
         it, and install the provider with `peergate install-values`",
        count_of(*lines, "line", "lines"),
    ))
}

/// How much of what could be allowed a draft allows.
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

/// A number with a comma between thousands.
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

/// What lines are wrong.
fn fault_line(faults: &Faults) -> String {
    let (line, reason) = &faults.first;
    printable(&format!(
        "{}: {} of {} lines {} not from an access log; the first is line {line}: {reason}",
        faults.file,
        faults.faulty,
        faults.lines,
        if faults.faulty == 1 { "is" } else { "are" }
    ))
}

fn workload(one: &Learnt, new: &NewPolicy, text: &mut String) {
    let seen = one.workload.seen.map(told);
    let seen = seen.unwrap_or_else(|| "no requests that it received".to_owned());
    let _ = writeln!(text, "{}: {seen}", one.policy);
    let coverage = coverage_text(one.proposals.coverage);
    line("covers", &format!("the draft covers {coverage}"), text);
    if let Some(document) = &one.document {
        for (rule, (caller, calls)) in document.rules.iter().zip(&one.proposals.learnt) {
            line("rule", &format!("{} for {caller}", rule.id), text);
            lines("", calls.iter().map(call_line), text);
        }
        if document.is_new() && !new.is_enforced {
            let shadow = "the policy is new and in shadow: it lets every request pass";
            line("shadow", shadow, text);
        }
        if document.is_new() && new.selector.is_empty() {
            let guess = "the policy selects pods by a label that was guessed; see `--selector`";
            line("guess", guess, text);
        }
    }
    let mut rare: Vec<_> = one.proposals.rare.iter().collect();
    rare.sort_by_key(|call| Reverse(call.tally.count));
    let rare = rare
        .into_iter()
        .map(|call| format!("{}: {}", call.caller, call_line(call)));
    lines("rare", rare, text);
    if one.workload.known > 0 {
        let count = requests(one.workload.known);
        line("known", &format!("{count} allowed already"), text);
    }
    if one.workload.known_in_shadow > 0 {
        let count = requests(one.workload.known_in_shadow);
        let known = format!("{count} that rules in shadow would allow");
        line("known", &known, text);
    }
    let held_back = one.proposals.held_back.iter();
    lines("kept", held_back.map(held_back_line), text);
    let aside = aside::lines(&one.workload.set_aside);
    lines("aside", aside.into_iter(), text);
}

fn lines(title: &str, all: impl ExactSizeIterator<Item = String>, text: &mut String) {
    let more = all.len().saturating_sub(MOST);
    all.take(MOST).for_each(|one| line(title, &one, text));
    if more > 0 {
        line(title, &format!("and {more} more"), text);
    }
}

fn line(title: &str, said: &str, text: &mut String) {
    text.push_str(&LINES.line([title, said]));
    text.push('\n');
}

fn held_back_line(held_back: &HeldBack) -> String {
    let line = match &held_back.because {
        Because::Word(word) => format!(
            "{} is no template: `{}` stands in the place of an id{BY_HAND}",
            held_back.template,
            clipped(word)
        ),
        Because::OtherForm(id) => format!(
            "{} is no template: `{}` has another form than other ids in its place{BY_HAND}",
            held_back.template,
            clipped(id)
        ),
        Because::Denied(path) => {
            format!(
                "{} is no template: `{path}` was denied{BY_HAND}",
                held_back.template
            )
        }
    };
    printable(&line)
}
