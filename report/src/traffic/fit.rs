//! A table → lines that fit a screen.
//!
//! Numbers are never cut: where there is no room for one it is written with a unit, and where there is no room for
//! that its column is left out. Columns that say nothing give way first, then remarks, then names, then numbers.

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::order::Order;
use super::table::{Cell, Column, Content, Mark, Table};
use crate::columns::{self, Align, Layout};
use crate::shorten;

/// A table in which every cell has its room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fitted {
    /// The titles of the columns.
    pub header: String,
    /// The rows.
    pub lines: Vec<Line>,
    /// The columns that there is no room for.
    pub hidden: Vec<&'static str>,
}

/// A row in which every cell has its room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The cells beside each other.
    pub text: String,
    /// What is happening there.
    pub mark: Mark,
}

/// A few long names must not take the room of what other rows say: names are shortened to this, and to what three
/// quarters of them need, before anything else gives way.
const LONG_NAME: usize = 32;

/// Names are shortened to the first before numbers are, and to the second before columns of numbers are left out.
const SHORT_NAMES: [usize; 2] = [12, 8];

/// A remark in less room says nothing.
const SHORTEST_REMARK: usize = 10;

/// The order in which columns of numbers are left out. Rates stay longest, since `top` is about now.
const HIDDEN_FIRST: [&str; 6] = [
    "SHADOW", "SHADOW/s", "ALLOWED", "DENIED", "ALLOW/s", "DENY/s",
];

/// One way to lay a table out: the widest that fits is taken.
#[derive(Clone, Debug)]
struct Plan {
    hidden: Vec<&'static str>,
    shortest_name: ShortestName,
    shortest_remark: usize,
    is_compact: bool,
    gap: usize,
}

/// To what names may be shortened.
#[derive(Clone, Copy, Debug)]
enum ShortestName {
    /// To nothing: all are whole.
    Whole,
    /// To what most of them need.
    Usual,
    /// To this.
    Width(usize),
}

impl Plan {
    fn whole() -> Self {
        Self {
            hidden: Vec::new(),
            shortest_name: ShortestName::Whole,
            shortest_remark: usize::MAX,
            is_compact: false,
            gap: 2,
        }
    }
}

/// How wide the cells of a column are, with its title.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    exact: usize,
    compact: usize,
    /// As wide as most of the cells.
    usual: usize,
}

/// The whole table, however wide it is.
pub(crate) fn whole(table: &Table) -> Fitted {
    let widths = widths_of_whole(table);
    lay_out(table, 0..table.rows.len(), &Plan::whole(), &widths, false)
}

fn widths_of_whole(table: &Table) -> Vec<Option<usize>> {
    let wanted = wanted(table);
    wanted.iter().map(|wanted| Some(wanted.exact)).collect()
}

/// The rows `shown` of a table in a width, with a sign before each row. All rows count for the widths, so that
/// columns do not move while scrolling.
pub fn fit(table: &Table, shown: Range<usize>, order: Order, width: usize) -> Fitted {
    // The sign and the space after it.
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
        shortest_name: ShortestName::Width(0),
        shortest_remark: 0,
        is_compact: true,
        gap: 1,
    };
    for plan in plans(table, order) {
        if total(&least_widths(table, &wanted, &plan), plan.gap) <= room {
            fitting = plan;
            break;
        }
    }
    let mut widths = least_widths(table, &wanted, &fitting);
    widen(table, &wanted, &fitting, &mut widths, room);
    lay_out(table, shown, &fitting, &widths, true)
}

/// From the richest to the poorest.
fn plans(table: &Table, order: Order) -> Vec<Plan> {
    let [short, shortest] = SHORT_NAMES.map(ShortestName::Width);
    let titles = |content| {
        let columns = table.columns.iter();
        let columns = columns.filter(move |column: &&Column| column.content == content);
        columns.map(|column| column.title)
    };
    let (kept, numbers): (Vec<_>, Vec<_>) = HIDDEN_FIRST
        .into_iter()
        .partition(|title| sorts_by(order, title));
    // What rows are sorted by says something even where it is 0.
    let (empty_numbers, numbers): (Vec<_>, Vec<_>) =
        numbers.into_iter().partition(|title| table.is_empty(title));
    let (empty, remarks): (Vec<_>, Vec<_>) =
        titles(Content::Remark).partition(|title| table.is_empty(title));
    let empty_remarks = empty.len();
    let empty = [empty, empty_numbers].concat();
    let plan = |hidden: &[&'static str], shortest_name, is_compact, gap| Plan {
        hidden: hidden.to_vec(),
        shortest_name,
        shortest_remark: SHORTEST_REMARK,
        is_compact,
        gap,
    };
    let mut plans = vec![Plan::whole()];
    for names in [ShortestName::Whole, ShortestName::Usual] {
        // A remark that is empty in every row says nothing at all, and a 0 still does.
        for count in empty_remarks..=empty.len() {
            let hidden = empty.get(..count).unwrap_or_default();
            plans.push(plan(hidden, names, false, 2));
            plans.push(plan(hidden, names, false, 1));
        }
    }
    // WHY is the first of the remarks. It is left out before names are shortened, and the others after.
    let hidden = |count: usize| [&empty, remarks.get(..count).unwrap_or_default()].concat();
    plans.push(plan(&hidden(1), ShortestName::Usual, false, 1));
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
    let least = ShortestName::Width(1);
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

/// The least width of each column, and none for those that are left out.
fn least_widths(table: &Table, wanted: &[Wanted], plan: &Plan) -> Vec<Option<usize>> {
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
                Content::Name => match plan.shortest_name {
                    ShortestName::Whole => wanted.exact,
                    ShortestName::Usual => wanted.exact.min(wanted.usual),
                    ShortestName::Width(width) => wanted.exact.min(width),
                },
                Content::Remark => wanted.exact.min(plan.shortest_remark.max(title)),
            })
        })
        .collect()
}

fn wanted(table: &Table) -> Vec<Wanted> {
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
            Wanted {
                exact: widths.last().copied().unwrap_or_default().max(title),
                compact: compact.unwrap_or_default().max(title),
                usual: usual.clamp(SHORT_NAMES[0], LONG_NAME).max(title),
            }
        })
        .collect()
}

/// What columns take with the gaps between them.
fn total(widths: &[Option<usize>], gap: usize) -> usize {
    let columns = widths.iter().flatten().count();
    let texts: usize = widths.iter().flatten().sum();
    texts + gap * columns.saturating_sub(1)
}

/// Gives the room that is left to names, and what they do not need to remarks.
fn widen(table: &Table, wanted: &[Wanted], plan: &Plan, widths: &mut [Option<usize>], room: usize) {
    let mut left = room.saturating_sub(total(widths, plan.gap));
    for content in [Content::Name, Content::Remark] {
        let places = table.columns.iter().enumerate();
        let places = places.filter(|(_, column)| column.content == content);
        let places: Vec<_> = places.map(|(place, _)| place).collect();
        // A column at a time, so that short names are whole before long ones take the rest.
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

/// A cell in its room.
fn text(cell: &Cell, column: Column, room: usize) -> String {
    let exact = cell.exact();
    match column.content {
        Content::Number if shorten::width(&exact) > room => cell.compact(),
        Content::Number => exact,
        Content::Name => shorten::middle(&exact, room),
        Content::Remark => shorten::end(&exact, room),
    }
}
