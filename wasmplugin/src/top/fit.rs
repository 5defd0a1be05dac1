//! A table → lines that fit a screen.
//!
//! Numbers are never cut: where there is no room for one it is written with a unit, and where there is no room for
//! that its column is left out. Remarks give way first, then names, then numbers.

use std::ops::Range;

use super::shorten;
use super::snapshot::Order;
use super::table::{Cell, Column, Content, Mark, NUMBERS, Table};

/// A table in which every cell has its room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fitted {
    pub(super) header: String,
    pub(super) lines: Vec<Line>,
    /// The columns that there is no room for.
    pub(super) hidden: Vec<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) mark: Mark,
}

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
    shortest_name: usize,
    shortest_remark: usize,
    is_compact: bool,
    gap: usize,
}

impl Plan {
    fn whole() -> Self {
        Self {
            hidden: Vec::new(),
            shortest_name: usize::MAX,
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
}

/// The whole table, however wide it is.
pub(super) fn whole(table: &Table) -> Fitted {
    let plan = Plan::whole();
    let widths: Vec<_> = wanted(table)
        .iter()
        .map(|wanted| Some(wanted.exact))
        .collect();
    lay_out(table, 0..table.rows.len(), &plan, &widths, false)
}

/// The rows `shown` of a table in a width, with a sign before each row. All rows count for the widths, so that
/// columns do not move while scrolling.
pub(super) fn fit(table: &Table, shown: Range<usize>, order: Order, width: usize) -> Fitted {
    // The sign and the space after it.
    let room = width.saturating_sub(2);
    let wanted = wanted(table);
    let mut fitting = Plan {
        hidden: table.columns.iter().map(|column| column.title).collect(),
        shortest_name: 0,
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
    let [short, shortest] = SHORT_NAMES;
    let remarks = |column: &&Column| column.content == Content::Remark;
    let remarks = table.columns.iter().filter(remarks);
    let remarks: Vec<_> = remarks.map(|column| column.title).collect();
    let plan = |hidden: &[&'static str], shortest_name, is_compact, gap| Plan {
        hidden: hidden.to_vec(),
        shortest_name,
        shortest_remark: SHORTEST_REMARK,
        is_compact,
        gap,
    };
    let mut plans = vec![Plan::whole()];
    // WHY is the first of the remarks. It is left out before names are shortened, and the others after.
    for hidden in [&[], remarks.get(..1).unwrap_or_default()] {
        plans.push(plan(hidden, usize::MAX, false, 2));
        plans.push(plan(hidden, usize::MAX, false, 1));
    }
    for count in 1..=remarks.len() {
        let hidden = remarks.get(..count).unwrap_or_default();
        plans.push(plan(hidden, short, false, 1));
    }
    plans.push(plan(&remarks, short, true, 1));
    let (kept, others): (Vec<_>, Vec<_>) = HIDDEN_FIRST
        .into_iter()
        .partition(|title| sorts_by(order, title));
    let numbers: Vec<_> = others.into_iter().chain(kept).collect();
    for count in 0..=numbers.len() {
        let numbers = numbers.get(..count).unwrap_or_default();
        let hidden = [&remarks, numbers].concat();
        plans.push(plan(&hidden, shortest, true, 1));
    }
    let numbers_and_remarks = [remarks.as_slice(), &NUMBERS].concat();
    plans.push(plan(&numbers_and_remarks, 1, true, 1));
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
                Content::Name => wanted.exact.min(plan.shortest_name),
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
            let mut wanted = Wanted {
                exact: title,
                compact: title,
            };
            for cell in table.rows.iter().filter_map(|row| row.cells.get(place)) {
                wanted.exact = wanted.exact.max(shorten::width(&cell.exact()));
                wanted.compact = wanted.compact.max(shorten::width(&cell.compact()));
            }
            wanted
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
    let line = |sign: char, cells: &mut dyn Iterator<Item = String>| {
        let cells = cells.zip(&table.columns).zip(widths);
        let cells = cells.filter_map(|((cell, column), width)| {
            let room = (*width)?;
            let fill = " ".repeat(room.saturating_sub(shorten::width(&cell)));
            Some(match column.content {
                Content::Number => fill + &cell,
                Content::Name | Content::Remark => cell + &fill,
            })
        });
        let cells = cells.collect::<Vec<_>>().join(&" ".repeat(plan.gap));
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

#[cfg(test)]
mod tests {
    use super::super::table::{Kind, Rate, Row};
    use super::*;
    use crate::top::snapshot::Snapshot;

    fn table(counts: &[f64]) -> Table {
        let mut table = Table::new(
            Kind::Rules,
            &Snapshot {
                has_documents: true,
                ..Snapshot::default()
            },
            Order::Name,
        );
        table.rows = counts
            .iter()
            .map(|&count| {
                let text = |text: &str| Cell::Text(text.to_owned());
                let rate = Cell::Rate(Rate::PerSecond(count));
                let mut cells = vec![text("shop/cart-service-number-12"), text("rule-7")];
                cells.extend([rate.clone(), rate, Cell::Rate(Rate::Unknown)]);
                cells.extend([Cell::Count(count), Cell::Count(count), Cell::Count(0.0)]);
                cells.extend([
                    text("no-rule-matched, no-identity"),
                    text("web"),
                    text("me"),
                ]);
                Row {
                    cells,
                    mark: Mark::Denying,
                }
            })
            .collect();
        table
    }

    #[test]
    fn a_number_is_whole_at_every_width() {
        let counts = [0.0, 2.99, 12_330_718.0, 370_539_372.0, 1e30];
        for count in counts {
            let table = table(&[count]);
            for order in [Order::Name, Order::Denied, Order::Shadow, Order::Allowed] {
                for width in 0..=130 {
                    let fitted = fit(&table, 0..1, order, width);
                    let line = &fitted.lines[0].text;
                    let shown = format!("{count} at {width}:\n{}\n{line}", fitted.header);
                    assert!(shorten::width(line) <= width.max(2), "{shown}");
                    let titles: Vec<_> = fitted.header.split_whitespace().collect();
                    let words: Vec<_> = line.split_whitespace().collect();
                    let columns = table.columns.iter().zip(&table.rows[0].cells);
                    for (column, cell) in columns {
                        if column.content != Content::Number {
                            continue;
                        }
                        let is_shown = !fitted.hidden.contains(&column.title);
                        assert_eq!(titles.contains(&column.title), is_shown, "{shown}");
                        let (exact, compact) = (cell.exact(), cell.compact());
                        let is_whole = words.contains(&&*exact) || words.contains(&&*compact);
                        assert!(is_whole || !is_shown, "{} {shown}", column.title);
                    }
                }
            }
        }
    }

    #[test]
    fn only_what_has_no_room_is_compact() {
        let table = table(&[370_539_372.0, 1_234_567.0]);
        let at = |width| fit(&table, 0..2, Order::Name, width).lines;
        assert!(at(120)[0].text.contains(" 370539372 "));
        let narrow = at(60);
        assert!(narrow[0].text.contains(" 371M "), "{}", narrow[0].text);
        assert!(narrow[1].text.contains(" 1234567 "), "{}", narrow[1].text);
    }

    #[test]
    fn the_column_that_rows_are_sorted_by_stays() {
        let table = table(&[370_539_372.0]);
        for (order, title) in [
            (Order::Denied, "DENY/s"),
            (Order::Shadow, "SHADOW/s"),
            (Order::Allowed, "ALLOW/s"),
        ] {
            let header = fit(&table, 0..1, order, 30).header;
            assert!(header.contains(title), "{header}");
        }
    }

    #[test]
    fn the_whole_table_is_shown_where_there_is_room() {
        let table = table(&[370_539_372.0]);
        let text = &fit(&table, 0..1, Order::Name, 400).lines[0].text;
        assert_eq!(*text, format!("! {}", whole(&table).lines[0].text));
    }
}
