//! A snapshot → tables of cells.

use std::collections::BTreeSet;

use peergate_insight::traffic::reading::Count;
use peergate_insight::traffic::snapshot::{CallerRow, RuleRow, Snapshot, Tally};
use policy_schema::printable::printable;
use policy_schema::telemetry::ObservedValue;

use super::number;
use super::order::Order;

/// The kind of table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// A row for each rule of each policy.
    #[default]
    Rules,
    /// A row for each caller with a method and a path.
    Callers,
}

/// A table of texts and numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Row>,
}

/// A column with its title and content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) title: &'static str,
    pub(crate) content: Content,
}

/// The content of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// A name. Its start and its end matter.
    Name,
    Number,
    /// A text. Its start matters.
    Remark,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) cells: Vec<Cell>,
    pub(crate) mark: Mark,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    Text(String),
    Count(f64),
    Rate(Rate),
}

/// The rate of a counter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Rate {
    /// There is no earlier reading.
    Unknown,
    /// The last reading failed, so the rate is outdated.
    Stale,
    PerSecond(f64),
}

/// The current activity of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// No denials.
    Nothing,
    /// Requests are denied.
    Denying,
    /// Rules in shadow would have decided differently.
    Shadowing,
}

impl Mark {
    /// The sign of marked rows, for terminals without color.
    pub(crate) const fn sign(self) -> char {
        match self {
            Self::Nothing => ' ',
            Self::Denying => '!',
            Self::Shadowing => '~',
        }
    }
}

impl Cell {
    /// Whether the cell has no information.
    fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => matches!(text.as_str(), "" | "-"),
            Self::Count(count) => *count == 0.0,
            Self::Rate(Rate::Unknown) => true,
            Self::Rate(Rate::Stale) => false,
            Self::Rate(Rate::PerSecond(rate)) => *rate == 0.0,
        }
    }

    /// All digits.
    pub(crate) fn exact(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Count(count) => format!("{count:.0}"),
            Self::Rate(Rate::Unknown) => "-".to_owned(),
            Self::Rate(Rate::Stale) => "stale".to_owned(),
            Self::Rate(Rate::PerSecond(rate)) => number::rate(*rate),
        }
    }

    /// A number abbreviated with a unit, if that is shorter.
    pub(crate) fn compact(&self) -> String {
        let exact = self.exact();
        let compact = match self {
            Self::Count(number) | Self::Rate(Rate::PerSecond(number)) => number::compact(*number),
            Self::Text(_) | Self::Rate(Rate::Unknown | Rate::Stale) => return exact,
        };
        if compact.len() < exact.len() {
            compact
        } else {
            exact
        }
    }
}

/// The title of the identity column.
const CALLER: &str = "CALLER";

/// The segment before the namespace in a SPIFFE ID.
const NAMESPACES: &str = "/ns/";

/// The numeric columns, in the order of [`numbers`].
const NUMBERS: [&str; 6] = [
    "ALLOW/s", "DENY/s", "SHADOW/s", "ALLOWED", "DENIED", "SHADOW",
];

impl Table {
    /// Creates a table of a snapshot, in this order.
    pub fn new(kind: Kind, snapshot: &Snapshot, order: Order) -> Self {
        match kind {
            Kind::Rules => Self::from_rules(snapshot, order),
            Kind::Callers => Self::from_callers(snapshot, order),
        }
    }

    /// The number of rows.
    pub fn row_count(&self) -> usize {
        self.rows.len()
    }

    fn from_rules(snapshot: &Snapshot, order: Order) -> Self {
        let mut rows: Vec<_> = snapshot.rules.iter().collect();
        order.sort(&mut rows, |row| &row.tally);
        let mut columns = columns(&["POLICY", "RULE"]);
        let remarks: &[_] = if snapshot.has_documents {
            &["WHY", "FOR", "OWNER"]
        } else {
            &["WHY"]
        };
        columns.extend(remarks.iter().map(|title| Column {
            title,
            content: Content::Remark,
        }));
        let cells = |row: &&RuleRow| {
            let mut cells = texts(&[&row.policy, &row.rule]);
            cells.extend(numbers(&row.tally, snapshot.is_stale));
            cells.push(Cell::Text(why(&row.reasons, row.tally.recorded)));
            if snapshot.has_documents {
                cells.extend(texts(&[&row.facts.from, &row.facts.owner]));
            }
            Row {
                cells,
                mark: mark(&row.tally, snapshot.is_stale),
            }
        };
        Self {
            columns,
            rows: rows.iter().map(cells).collect(),
        }
    }

    fn from_callers(snapshot: &Snapshot, order: Order) -> Self {
        let mut rows: Vec<_> = snapshot.callers.iter().collect();
        order.sort(&mut rows, |row| &row.tally);
        let mut columns = columns(&[CALLER, "POLICY"]);
        // Both distinguish rows, like names.
        columns.extend(["METHOD", "PATH"].map(|title| Column {
            title,
            content: Content::Name,
        }));
        let cells = |row: &&CallerRow| {
            let mut cells = texts(&[&shown(&row.caller, "no identity"), &row.policy]);
            cells.extend(numbers(&row.tally, snapshot.is_stale));
            cells.extend(texts(&[&shown(&row.method, "-"), &shown(&row.path, "-")]));
            Row {
                cells,
                mark: mark(&row.tally, snapshot.is_stale),
            }
        };
        Self {
            columns,
            rows: rows.iter().map(cells).collect(),
        }
    }

    /// Removes the common trust domain from the callers, if all have the same.
    pub(crate) fn with_short_callers(&self) -> Self {
        let mut short = self.clone();
        let Some(place) = self.place(CALLER) else {
            return short;
        };
        let ids = self
            .rows
            .iter()
            .filter_map(|row| match row.cells.get(place) {
                Some(Cell::Text(text)) if text.starts_with("spiffe://") => Some(text.as_str()),
                _ => None,
            });
        let beginnings: BTreeSet<_> = ids.map(prefix).collect();
        let mut beginnings = beginnings.into_iter();
        if let (Some(Some(beginning)), None) = (beginnings.next(), beginnings.next()) {
            for row in &mut short.rows {
                if let Some(Cell::Text(text)) = row.cells.get_mut(place)
                    && let Some(rest) = text.strip_prefix(beginning)
                {
                    *text = rest.to_owned();
                }
            }
        }
        short
    }

    /// Whether every cell of a column is empty.
    pub(crate) fn is_empty(&self, title: &str) -> bool {
        let Some(place) = self.place(title) else {
            return true;
        };
        let mut cells = self.rows.iter().filter_map(|row| row.cells.get(place));
        cells.all(Cell::is_empty)
    }

    fn place(&self, title: &str) -> Option<usize> {
        let mut columns = self.columns.iter();
        columns.position(|column| column.title == title)
    }

    /// Keeps the rows that contain a text in any cell, ignoring case.
    pub fn retain(&mut self, wanted: &str) {
        let wanted = wanted.to_lowercase();
        let has = |cell: &Cell| match cell {
            Cell::Text(text) => text.to_lowercase().contains(&wanted),
            Cell::Count(_) | Cell::Rate(_) => false,
        };
        self.rows.retain(|row| row.cells.iter().any(has));
    }
}

/// The trust domain prefix of a SPIFFE ID of a Kubernetes workload.
fn prefix(id: &str) -> Option<&str> {
    let end = id.find(NAMESPACES)? + NAMESPACES.len();
    let beginning = id.get(..end)?;
    // A trust domain contains no slash.
    (beginning.matches('/').count() == 4).then_some(beginning)
}

fn columns(names: &[&'static str]) -> Vec<Column> {
    let names = names.iter().map(|title| Column {
        title,
        content: Content::Name,
    });
    let numbers = NUMBERS.iter().map(|title| Column {
        title,
        content: Content::Number,
    });
    names.chain(numbers).collect()
}

fn texts(texts: &[&String]) -> Vec<Cell> {
    let texts = texts.iter().map(|text| Cell::Text((*text).clone()));
    texts.collect()
}

fn numbers(tally: &Tally, is_stale: bool) -> impl Iterator<Item = Cell> {
    let counts = [tally.allowed, tally.denied, tally.shadow];
    let rates = counts.map(|count| {
        Cell::Rate(match count.rate {
            None => Rate::Unknown,
            Some(_) if is_stale => Rate::Stale,
            Some(rate) => Rate::PerSecond(rate),
        })
    });
    rates
        .into_iter()
        .chain(counts.map(|count| Cell::Count(count.total)))
}

fn shown(observed: &ObservedValue, absent: &str) -> String {
    match observed {
        ObservedValue::Absent => absent.to_owned(),
        ObservedValue::Text(text) => printable(&String::from_utf8_lossy(text)),
        ObservedValue::Other => "(others)".to_owned(),
    }
}

fn why(reasons: &BTreeSet<String>, recorded: Count) -> String {
    let reasons: Vec<_> = reasons.iter().map(String::as_str).collect();
    let reasons = reasons.join(", ");
    if recorded.total > 0.0 {
        // Matches of `Audit` and `Custom` rules have no column of their own.
        format!("{reasons} {:.0}", recorded.total)
    } else {
        reasons
    }
}

fn mark(tally: &Tally, is_stale: bool) -> Mark {
    let is_counting = |count: Count| !is_stale && count.rate.is_some_and(|rate| rate > 0.0);
    if is_counting(tally.denied) {
        Mark::Denying
    } else if is_counting(tally.shadow) {
        Mark::Shadowing
    } else {
        Mark::Nothing
    }
}
