//! A snapshot → cells, for every form of showing them.

use std::collections::BTreeSet;

use peergate_insight::traffic::reading::Count;
use peergate_insight::traffic::snapshot::{CallerRow, RuleRow, Snapshot, Tally};
use policy_schema::printable::printable;
use policy_schema::telemetry::ObservedValue;

use super::number;
use super::order::Order;

/// Which of the two tables.
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

/// A column: its title, and what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) title: &'static str,
    pub(crate) content: Content,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// Something that is told apart by its beginning and its end.
    Name,
    Number,
    /// Something that is read from its beginning.
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

/// How fast something is counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Rate {
    /// Nothing to compare with was read.
    Unknown,
    /// The last reading failed, so the rate is an old one.
    Stale,
    PerSecond(f64),
}

/// What is happening right now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Nothing that has to be looked at.
    Nothing,
    /// Requests are denied.
    Denying,
    /// Requests would be denied, or allowed, by what is in shadow.
    Shadowing,
}

impl Mark {
    /// What tells marked rows apart without colours.
    pub(crate) const fn sign(self) -> char {
        match self {
            Self::Nothing => ' ',
            Self::Denying => '!',
            Self::Shadowing => '~',
        }
    }
}

impl Cell {
    /// Whether it says that there is nothing.
    fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => matches!(text.as_str(), "" | "-"),
            Self::Count(count) => *count == 0.0,
            Self::Rate(Rate::Unknown) => true,
            Self::Rate(Rate::Stale) => false,
            Self::Rate(Rate::PerSecond(rate)) => *rate == 0.0,
        }
    }

    /// With every digit.
    pub(crate) fn exact(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Count(count) => format!("{count:.0}"),
            Self::Rate(Rate::Unknown) => "-".to_owned(),
            Self::Rate(Rate::Stale) => "stale".to_owned(),
            Self::Rate(Rate::PerSecond(rate)) => number::rate(*rate),
        }
    }

    /// With a unit in place of digits, where that is shorter.
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

/// The column of identities.
const CALLER: &str = "CALLER";

/// What stands before the namespace in an identity of Kubernetes.
const NAMESPACES: &str = "/ns/";

/// The columns of numbers, as [`numbers`] fills them.
const NUMBERS: [&str; 6] = [
    "ALLOW/s", "DENY/s", "SHADOW/s", "ALLOWED", "DENIED", "SHADOW",
];

impl Table {
    /// The rows of a snapshot, in this order.
    pub fn new(kind: Kind, snapshot: &Snapshot, order: Order) -> Self {
        match kind {
            Kind::Rules => Self::of_rules(snapshot, order),
            Kind::Callers => Self::of_callers(snapshot, order),
        }
    }

    /// How many rows it has.
    pub fn row_count(&self) -> usize {
        self.rows.len()
    }

    fn of_rules(snapshot: &Snapshot, order: Order) -> Self {
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
            cells.push(Cell::Text(why(&row.reasons, row.tally.noted)));
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

    fn of_callers(snapshot: &Snapshot, order: Order) -> Self {
        let mut rows: Vec<_> = snapshot.callers.iter().collect();
        order.sort(&mut rows, |row| &row.tally);
        let mut columns = columns(&[CALLER, "POLICY"]);
        // Both tell rows apart as names do.
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

    /// The same with callers as short as they can be told apart: without the beginning of their identities, where
    /// all are of one trust domain.
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
        let beginnings: BTreeSet<_> = ids.map(beginning).collect();
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

    /// Whether a column says nothing in any row.
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

    /// Keeps the rows that have a text in any of their cells, in whatever case.
    pub fn retain(&mut self, wanted: &str) {
        let wanted = wanted.to_lowercase();
        let has = |cell: &Cell| match cell {
            Cell::Text(text) => text.to_lowercase().contains(&wanted),
            Cell::Count(_) | Cell::Rate(_) => false,
        };
        self.rows.retain(|row| row.cells.iter().any(has));
    }
}

/// What identities of the same trust domain begin with; none for one that is no workload of Kubernetes.
fn beginning(id: &str) -> Option<&str> {
    let end = id.find(NAMESPACES)? + NAMESPACES.len();
    let beginning = id.get(..end)?;
    // The trust domain has no slash.
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
