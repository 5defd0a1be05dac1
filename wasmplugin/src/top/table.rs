//! What is to be seen → cells, for every form of showing them.

use std::collections::BTreeSet;

use super::reading::Count;
use super::snapshot::{CallerRow, Order, RuleRow, Snapshot, Tally};

/// Which of the two tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Rules,
    Callers,
}

/// A table of texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Row>,
}

/// A column: its title, and whether numbers stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) title: &'static str,
    pub(super) is_number: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) cells: Vec<String>,
    pub(super) mark: Mark,
}

/// What is happening right now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Nothing,
    Denying,
    Shadowing,
}

const NUMBERS: [&str; 6] = [
    "ALLOW/s", "DENY/s", "SHADOW/s", "ALLOWED", "DENIED", "SHADOW",
];

impl Table {
    pub(super) fn new(kind: Kind, snapshot: &Snapshot, order: Order) -> Self {
        match kind {
            Kind::Rules => Self::of_rules(snapshot, order),
            Kind::Callers => Self::of_callers(snapshot, order),
        }
    }

    fn of_rules(snapshot: &Snapshot, order: Order) -> Self {
        let mut rows: Vec<_> = snapshot.rules.iter().collect();
        order.sort(&mut rows, |row| &row.tally);
        let documented: &[&str] = if snapshot.has_documents {
            &["FOR", "OWNER"]
        } else {
            &[]
        };
        let cells = |row: &&RuleRow| {
            let mut cells = vec![row.policy.clone(), row.rule.clone()];
            cells.extend(numbers(&row.tally));
            cells.push(why(&row.reasons, row.tally.noted));
            if snapshot.has_documents {
                cells.extend([row.facts.from.clone(), row.facts.owner.clone()]);
            }
            Row {
                cells,
                mark: mark(&row.tally),
            }
        };
        Self {
            columns: columns(&["POLICY", "RULE"], &["WHY"], documented),
            rows: rows.iter().map(cells).collect(),
        }
    }

    fn of_callers(snapshot: &Snapshot, order: Order) -> Self {
        let mut rows: Vec<_> = snapshot.callers.iter().collect();
        order.sort(&mut rows, |row| &row.tally);
        let cells = |row: &&CallerRow| {
            let mut cells = vec![row.caller.clone(), row.policy.clone()];
            cells.extend(numbers(&row.tally));
            cells.extend([row.method.clone(), row.path.clone()]);
            Row {
                cells,
                mark: mark(&row.tally),
            }
        };
        Self {
            columns: columns(&["CALLER", "POLICY"], &["METHOD", "PATH"], &[]),
            rows: rows.iter().map(cells).collect(),
        }
    }

    /// How wide each column is, in characters.
    pub(super) fn widths(&self) -> Vec<usize> {
        let columns = self.columns.iter().enumerate();
        columns
            .map(|(place, column)| {
                let cells = self.rows.iter().filter_map(|row| row.cells.get(place));
                let widest = cells.map(|cell| cell.chars().count()).max();
                widest.unwrap_or(0).max(column.title.len())
            })
            .collect()
    }
}

fn columns(
    before: &[&'static str],
    after: &[&'static str],
    documented: &[&'static str],
) -> Vec<Column> {
    let text = |title: &&'static str| Column {
        title,
        is_number: false,
    };
    let number = |title: &&'static str| Column {
        title,
        is_number: true,
    };
    let before = before.iter().map(text);
    let after = after.iter().chain(documented).map(text);
    before
        .chain(NUMBERS.iter().map(number))
        .chain(after)
        .collect()
}

fn numbers(tally: &Tally) -> [String; 6] {
    let Tally {
        allowed,
        denied,
        shadow,
        noted: _,
    } = tally;
    let [allowed_rate, denied_rate, shadow_rate] =
        [allowed, denied, shadow].map(|count| rate(count.rate));
    let [allowed, denied, shadow] =
        [allowed, denied, shadow].map(|count| format!("{:.0}", count.total));
    [
        allowed_rate,
        denied_rate,
        shadow_rate,
        allowed,
        denied,
        shadow,
    ]
}

/// Few digits: it is never the same for long.
fn rate(rate: Option<f64>) -> String {
    match rate {
        None => "-".to_owned(),
        Some(0.0) => "0".to_owned(),
        Some(rate) if rate < 10.0 => format!("{rate:.2}"),
        Some(rate) => format!("{rate:.0}"),
    }
}

fn why(reasons: &BTreeSet<String>, noted: Count) -> String {
    let reasons: Vec<_> = reasons.iter().map(String::as_str).collect();
    let reasons = reasons.join(", ");
    if noted.total > 0.0 {
        // Rules that record or ask another have no column of their own.
        format!("{reasons} {:.0}", noted.total)
    } else {
        reasons
    }
}

fn mark(tally: &Tally) -> Mark {
    let is_counting = |count: Count| count.rate.is_some_and(|rate| rate > 0.0);
    if is_counting(tally.denied) {
        Mark::Denying
    } else if is_counting(tally.shadow) {
        Mark::Shadowing
    } else {
        Mark::Nothing
    }
}
