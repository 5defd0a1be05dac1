//! Fits a table into a terminal width.
//!
//! Numbers are never truncated: they are abbreviated with a unit, or their column is hidden. Empty columns are dropped first,
//! then remarks, then names, then numbers.

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::order::Order;
use super::table::{Cell, Column, Content, Mark, Table};
use crate::columns::{self, Align, Layout};
use crate::shorten;

/// A table that fits the width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fitted {
    /// The header line.
    pub header: String,
    /// The rows.
    pub lines: Vec<Line>,
    /// The hidden columns.
    pub hidden: Vec<&'static str>,
}

/// A row that fits the width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The cells in one line.
    pub text: String,
    /// The mark of the row.
    pub mark: Mark,
}

/// The width to which long names are shortened before anything else, unless three quarters of the names need more. A few long
/// names must not take the space of other columns.
const LONG_NAME: usize = 32;

/// Names are shortened to the first width before numbers are abbreviated, and to the second before numbers are hidden.
const SHORT_NAMES: [usize; 2] = [12, 8];

/// The minimum useful width of a remark.
const MIN_REMARK: usize = 10;

/// The order in which numeric columns are hidden. Rates stay longest, because `top` shows current traffic.
const HIDDEN_FIRST: [&str; 6] = [
    "SHADOW", "SHADOW/s", "ALLOWED", "DENIED", "ALLOW/s", "DENY/s",
];

/// A candidate layout. The widest that fits is used.
#[derive(Clone, Debug)]
struct Plan {
    hidden: Vec<&'static str>,
    min_name: MinName,
    min_remark: usize,
    is_compact: bool,
    gap: usize,
}

/// The minimum width of names.
#[derive(Clone, Copy, Debug)]
enum MinName {
    /// Names are not shortened.
    Whole,
    /// The width that most names need.
    Usual,
    /// A fixed width.
    Width(usize),
}

impl Plan {
    fn whole() -> Self {
        Self {
            hidden: Vec::new(),
            min_name: MinName::Whole,
            min_remark: usize::MAX,
            is_compact: false,
            gap: 2,
        }
    }
}

/// The width that a column needs, including its title.
#[derive(Clone, Copy, Debug)]
struct ColumnWidth {
    exact: usize,
    compact: usize,
    /// The width of most cells.
    usual: usize,
}

/// Formats the whole table at full width.
pub(crate) fn whole(table: &Table) -> Fitted {
    let widths = widths_of_whole(table);
    lay_out(table, 0..table.rows.len(), &Plan::whole(), &widths, false)
}

fn widths_of_whole(table: &Table) -> Vec<Option<usize>> {
    let wanted = wanted(table);
    wanted.iter().map(|wanted| Some(wanted.exact)).collect()
}

/// Fits the rows `shown` into a width, with a mark before each row. Column widths depend on all rows, so that columns do not
/// move while scrolling.
pub fn fit(table: &Table, shown: Range<usize>, order: Order, width: usize) -> Fitted {
    // The mark and a space.
    let room = width.saturating_sub(2);
    let whole = total(&widths_of_whole(table), Plan::whole().gap);
    let short;
    let table = if whole <= room {
        table
    } else {
        short = table.with_short_callers();
        &short
    };
    let wanted = wanted(table);
    let mut fitting = Plan {
        hidden: table.columns.iter().map(|column| column.title).collect(),
        min_name: MinName::Width(0),
        min_remark: 0,
        is_compact: true,
        gap: 1,
    };
    for plan in plans(table, order) {
        if total(&min_widths(table, &wanted, &plan), plan.gap) <= room {
            fitting = plan;
            break;
        }
    }
    let mut widths = min_widths(table, &wanted, &fitting);
    widen(table, &wanted, &fitting, &mut widths, room);
    lay_out(table, shown, &fitting, &widths, true)
}

/// Candidate layouts, from the widest to the narrowest.
fn plans(table: &Table, order: Order) -> Vec<Plan> {
    let [short, shortest] = SHORT_NAMES.map(MinName::Width);
    let titles = |content| {
        let columns = table.columns.iter();
        let columns = columns.filter(move |column: &&Column| column.content == content);
        columns.map(|column| column.title)
    };
    let (kept, numbers): (Vec<_>, Vec<_>) = HIDDEN_FIRST
        .into_iter()
        .partition(|title| sorts_by(order, title));
    // The sort column is never empty, even if all values are 0.
    let (empty_numbers, numbers): (Vec<_>, Vec<_>) =
        numbers.into_iter().partition(|title| table.is_empty(title));
    let (empty, remarks): (Vec<_>, Vec<_>) =
        titles(Content::Remark).partition(|title| table.is_empty(title));
    let empty_remarks = empty.len();
    let empty = [empty, empty_numbers].concat();
    let plan = |hidden: &[&'static str], min_name, is_compact, gap| Plan {
        hidden: hidden.to_vec(),
        min_name,
        min_remark: MIN_REMARK,
        is_compact,
        gap,
    };
    let mut plans = vec![Plan::whole()];
    for names in [MinName::Whole, MinName::Usual] {
        // An empty remark column has no information, while a column of zeros has some.
        for count in empty_remarks..=empty.len() {
            let hidden = empty.get(..count).unwrap_or_default();
            plans.push(plan(hidden, names, false, 2));
            plans.push(plan(hidden, names, false, 1));
        }
    }
    // WHY is the first remark. It is hidden before names are shortened, the others after.
    let hidden = |count: usize| [&empty, remarks.get(..count).unwrap_or_default()].concat();
    plans.push(plan(&hidden(1), MinName::Usual, false, 1));
    for count in 1..=remarks.len() {
        plans.push(plan(&hidden(count), short, false, 1));
    }
    let remarks = hidden(remarks.len());
    plans.push(plan(&remarks, short, false, 1));
    plans.push(plan(&remarks, short, true, 1));
    let numbers: Vec<_> = numbers.into_iter().chain(kept).collect();
    for count in 0..=numbers.len() {
        let numbers = numbers.get(..count).unwrap_or_default();
        let hidden = [&remarks, numbers].concat();
        plans.push(plan(&hidden, shortest, true, 1));
    }
    let numbers_and_remarks = [remarks.as_slice(), &numbers].concat();
    let least = MinName::Width(1);
    plans.push(plan(&numbers_and_remarks, least, true, 1));
    plans
}

fn sorts_by(order: Order, title: &str) -> bool {
    match order {
        Order::Name => false,
        Order::Denied => title == "DENY/s",
        Order::Shadow => title == "SHADOW/s",
        Order::Allowed => title == "ALLOW/s",
    }
}

/// The minimum width of each column, and none for hidden columns.
fn min_widths(table: &Table, wanted: &[ColumnWidth], plan: &Plan) -> Vec<Option<usize>> {
    let columns = table.columns.iter().zip(wanted);
    columns
        .map(|(column, wanted)| {
            if plan.hidden.contains(&column.title) {
                return None;
            }
            let title = shorten::width(column.title);
            Some(match column.content {
                Content::Number if plan.is_compact => wanted.compact,
                Content::Number => wanted.exact,
                Content::Name => match plan.min_name {
                    MinName::Whole => wanted.exact,
                    MinName::Usual => wanted.exact.min(wanted.usual),
                    MinName::Width(width) => wanted.exact.min(width),
                },
                Content::Remark => wanted.exact.min(plan.min_remark.max(title)),
            })
        })
        .collect()
}

fn wanted(table: &Table) -> Vec<ColumnWidth> {
    let columns = table.columns.iter().enumerate();
    columns
        .map(|(place, column)| {
            let title = shorten::width(column.title);
            let cells = table.rows.iter().filter_map(|row| row.cells.get(place));
            let mut widths: Vec<_> = cells
                .clone()
                .map(|it| shorten::width(&it.exact()))
                .collect();
            widths.sort_unstable();
            let compact = cells.map(|cell| shorten::width(&cell.compact())).max();
            let usual = widths
                .get(widths.len() * 3 / 4)
                .copied()
                .unwrap_or_default();
            ColumnWidth {
                exact: widths.last().copied().unwrap_or_default().max(title),
                compact: compact.unwrap_or_default().max(title),
                usual: usual.clamp(SHORT_NAMES[0], LONG_NAME).max(title),
            }
        })
        .collect()
}

/// The total width of columns and gaps.
fn total(widths: &[Option<usize>], gap: usize) -> usize {
    let columns = widths.iter().flatten().count();
    let texts: usize = widths.iter().flatten().sum();
    texts + gap * columns.saturating_sub(1)
}

/// Distributes the remaining width to names first, then to remarks.
fn widen(
    table: &Table,
    wanted: &[ColumnWidth],
    plan: &Plan,
    widths: &mut [Option<usize>],
    room: usize,
) {
    let mut left = room.saturating_sub(total(widths, plan.gap));
    for content in [Content::Name, Content::Remark] {
        let places = table.columns.iter().enumerate();
        let places = places.filter(|(_, column)| column.content == content);
        let places: Vec<_> = places.map(|(place, _)| place).collect();
        // One terminal column at a time, so that short names are complete before long ones take the rest.
        let mut is_growing = true;
        while left > 0 && is_growing {
            is_growing = false;
            for place in &places {
                let wanted = wanted.get(*place).map(|wanted| wanted.exact);
                if let Some(Some(width)) = widths.get_mut(*place)
                    && left > 0
                    && Some(*width) < wanted
                {
                    *width += 1;
                    left -= 1;
                    is_growing = true;
                }
            }
        }
    }
}

fn lay_out(
    table: &Table,
    shown: Range<usize>,
    plan: &Plan,
    widths: &[Option<usize>],
    has_sign: bool,
) -> Fitted {
    let columns = table.columns.iter().zip(widths);
    let columns: Vec<_> = columns
        .filter_map(|(column, width)| {
            let align = match column.content {
                Content::Number => Align::Right,
                Content::Name | Content::Remark => Align::Left,
            };
            width.map(|width| columns::Column { width, align })
        })
        .collect();
    let columns = Layout {
        indent: 0,
        gap: plan.gap,
        columns: &columns,
    };
    let line = |sign: char, cells: &mut dyn Iterator<Item = String>| {
        let shown = cells.zip(widths).filter(|(_, width)| width.is_some());
        let cells = columns.line(shown.map(|(cell, _)| cell));
        let text = if has_sign {
            format!("{sign} {cells}")
        } else {
            cells
        };
        text.trim_end().to_owned()
    };
    let room = |place: usize| widths.get(place).copied().flatten().unwrap_or_default();
    let titles = table.columns.iter().enumerate();
    let mut titles = titles.map(|(place, column)| shorten::end(column.title, room(place)));
    let header = line(Mark::Nothing.sign(), &mut titles);
    let rows = table.rows.iter().skip(shown.start).take(shown.len());
    let lines = rows.map(|row| {
        let cells = row.cells.iter().zip(&table.columns).enumerate();
        let mut cells = cells.map(|(place, (cell, column))| text(cell, *column, room(place)));
        Line {
            text: line(row.mark.sign(), &mut cells),
            mark: row.mark,
        }
    });
    Fitted {
        header,
        lines: lines.collect(),
        hidden: plan.hidden.clone(),
    }
}

/// Fits a cell into a width.
fn text(cell: &Cell, column: Column, room: usize) -> String {
    let exact = cell.exact();
    match column.content {
        Content::Number if shorten::width(&exact) > room => cell.compact(),
        Content::Number => exact,
        Content::Name => shorten::middle(&exact, room),
        Content::Remark => shorten::end(&exact, room),
    }
}
