//! The report of the demo: outcomes and counters.

use std::fmt;

use anstyle::{AnsiColor, Style};
use policy_schema::telemetry::metric::DECISIONS;
use policy_schema::telemetry::{DecisionEffect, Label};
use serde_json::json;

use super::cases::Expectation;
use super::change::Change;
use super::counters::Counter;
use super::outcome::Outcome;

/// The outcomes of all calls, and the final counters.
#[derive(Clone, Debug)]
pub struct Report {
    outcomes: Vec<Outcome>,
    counters: Vec<Counter>,
    change: Change,
}

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const FAINT: Style = Style::new().dimmed();

impl Report {
    pub(super) fn new(outcomes: Vec<Outcome>, counters: Vec<Counter>, change: Change) -> Self {
        Self {
            outcomes,
            counters,
            change,
        }
    }

    /// Whether all outcomes are the expected ones.
    pub fn is_as_expected(&self) -> bool {
        self.outcomes.iter().all(Outcome::is_as_expected)
            && self.counted_as_seen()
            && self.change.outcome.is_as_expected()
    }

    /// Whether the counters match the outcomes: denials by reason, and allowed calls.
    fn counted_as_seen(&self) -> bool {
        let seen = |matches: &dyn Fn(&Expectation) -> bool| {
            let outcomes = self.outcomes.iter();
            outcomes.filter(|outcome| matches(&outcome.got)).count()
        };
        let counted = |matches: &dyn Fn(&Counter) -> bool| -> f64 {
            let counters = self.counters.iter();
            counters
                .filter(|counter| matches(counter))
                .map(|counter| counter.value)
                .sum()
        };
        let agree = |seen: usize, counted: f64| {
            u32::try_from(seen).is_ok_and(|seen| (f64::from(seen) - counted).abs() < 0.5)
        };
        let reasons = self
            .outcomes
            .iter()
            .filter_map(|outcome| match &outcome.got {
                Expectation::Denied { reason } => Some(reason),
                _ => None,
            });
        agree(
            seen(&|got| matches!(got, Expectation::Allowed { .. })),
            counted(&|counter| counter.has(DecisionEffect::Allow)),
        ) && reasons.into_iter().all(|reason| {
            agree(
                seen(&|got| matches!(got, Expectation::Denied { reason: r } if r == reason)),
                counted(&|counter| counter.has(DecisionEffect::Deny) && counter.reason == *reason),
            )
        }) && counted(&|counter| counter.has(DecisionEffect::ShadowDeny)) > 0.0
    }

    /// The report as one JSON object.
    pub fn to_json(&self) -> serde_json::Value {
        let cases = self.outcomes.iter().map(case);
        let counters = self.counters.iter().map(|counter| {
            json!({
                "effect": counter.effect,
                "reason": counter.reason,
                "rule": counter.rule,
                "value": counter.value,
            })
        });
        json!({
            "ok": self.is_as_expected(),
            "cases": cases.collect::<Vec<_>>(),
            "counters": counters.collect::<Vec<_>>(),
            "change": {
                "added": self.change.added,
                "case": case(&self.change.outcome),
            },
        })
    }
}

fn case(outcome: &Outcome) -> serde_json::Value {
    json!({
        "case": outcome.case.title,
        "caller": outcome.case.caller.to_string(),
        "method": outcome.case.method,
        "path": outcome.case.path,
        "expected": outcome.case.expected.to_string(),
        "got": outcome.got.to_string(),
        "ok": outcome.is_as_expected(),
        "decision": outcome.decision,
    })
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = ["", "case", "caller", "request", "expected", "actual"].map(str::to_owned);
        let rows: Vec<_> = self.outcomes.iter().map(row).collect();
        let widths = widths(std::iter::once(&header).chain(&rows));
        writeln!(f, "{FAINT}{}{FAINT:#}", line(&header, &widths))?;
        for (row, outcome) in rows.iter().zip(&self.outcomes) {
            let style = if outcome.is_as_expected() { GOOD } else { BAD };
            writeln!(f, "{style}{}{style:#}", line(row, &widths))?;
            if let (Expectation::Allowed { callers: expected }, Expectation::Allowed { callers }) =
                (&outcome.case.expected, &outcome.got)
                && expected != callers
            {
                writeln!(
                    f,
                    "  the service received the caller {callers:?}, not {expected:?}"
                )?;
            }
        }
        writeln!(
            f,
            "\nCounters of the filter, from Envoy's Prometheus endpoint:"
        )?;
        for counter in &self.counters {
            let Counter {
                policy,
                effect,
                reason,
                rule,
                value,
            } = counter;
            writeln!(
                f,
                "  {}{{{}={policy:?},{}={rule:?},{}={effect:?},{}={reason:?}}} {value}",
                DECISIONS.name,
                Label::Policy,
                Label::Rule,
                Label::Effect,
                Label::Reason
            )?;
        }
        if !self.counted_as_seen() {
            writeln!(
                f,
                "{BAD}the counters do not tell what the callers saw{BAD:#}"
            )?;
        }
        self.write_change(f)
    }
}

impl Report {
    fn write_change(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Change { added, outcome } = &self.change;
        writeln!(
            f,
            "\nFor the call with the {}, `peergate explain` proposes this change:",
            outcome.case.title
        )?;
        for line in added {
            writeln!(f, "{line}")?;
        }
        let row = row(outcome);
        let style = if outcome.is_as_expected() { GOOD } else { BAD };
        writeln!(f, "\nwith the change, applied to the running proxy:\n")?;
        writeln!(
            f,
            "{style}{}{style:#}",
            line(&row, &widths(std::iter::once(&row)))
        )
    }
}

fn row(outcome: &Outcome) -> [String; 6] {
    let Outcome { case, got, .. } = outcome;
    let mark = if outcome.is_as_expected() {
        "✓"
    } else {
        "✗"
    };
    let operation = case.path.rsplit('/').next().unwrap_or_default();
    [
        mark.to_owned(),
        case.title.to_owned(),
        case.caller.to_string(),
        format!("{} {operation}", case.method),
        case.expected.to_string(),
        got.to_string(),
    ]
}

fn widths<'r, const N: usize>(rows: impl Iterator<Item = &'r [String; N]>) -> [usize; N] {
    rows.fold([0; N], |mut widths, row| {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
        widths
    })
}

fn line<const N: usize>(row: &[String; N], widths: &[usize; N]) -> String {
    let cells = row.iter().zip(widths);
    let cells: Vec<_> = cells
        .map(|(cell, &width)| format!("{cell:width$}"))
        .collect();
    cells.join("  ").trim_end().to_owned()
}
