//! A table → lines that fit a screen.
//!
//! Numbers are never cut: where there is no room for one it is written with a unit, and where there is no room for
//! that its column is left out. Columns that say nothing give way first, then remarks, then names, then numbers.

use std::ops::Range;

use super::order::Order;
use super::shorten;
use super::table::{Cell, Column, Content, Mark, Table};

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
pub(super) fn whole(table: &Table) -> Fitted {
    let widths = widths_of_whole(table);
    lay_out(table, 0..table.rows.len(), &Plan::whole(), &widths, false)
}

fn widths_of_whole(table: &Table) -> Vec<Option<usize>> {
    let wanted = wanted(table);
    wanted.iter().map(|wanted| Some(wanted.exact)).collect()
}

/// The rows `shown` of a table in a width, with a sign before each row. All rows count for the widths, so that
/// columns do not move while scrolling.
pub(super) fn fit(table: &Table, shown: Range<usize>, order: Order, width: usize) -> Fitted {
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
    use peergate_insight::traffic::snapshot::Snapshot;

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

    /// `OWNER` is empty in all rows, and `SHADOW` is 0.
    #[test]
    fn what_says_nothing_gives_way_first() {
        let mut table = table(&[370_539_372.0]);
        for row in &mut table.rows {
            if let Some(owner) = row.cells.last_mut() {
                *owner = Cell::Text(String::new());
            }
        }
        let hidden = |width| fit(&table, 0..1, Order::Shadow, width).hidden;
        let mut all: Vec<_> = (60..=200).rev().map(hidden).collect();
        all.dedup();
        let expected: [&[&str]; 4] = [
            &[],
            &["OWNER"],
            &["OWNER", "SHADOW"],
            &["OWNER", "SHADOW", "WHY"],
        ];
        assert_eq!(all.get(..4), Some(&expected.map(<[_]>::to_vec)[..]));
    }

    #[test]
    fn callers_lose_the_trust_domain_that_all_of_them_have() {
        let shown = |ids: &[&str]| {
            let mut table = Table {
                columns: vec![Column {
                    title: "CALLER",
                    content: Content::Name,
                }],
                ..Table::default()
            };
            table.rows.extend(ids.iter().map(|id| Row {
                cells: vec![Cell::Text((*id).to_owned())],
                mark: Mark::Nothing,
            }));
            let lines = fit(&table, 0..ids.len(), Order::Name, 16).lines;
            let lines = lines.into_iter().map(|line| line.text.trim().to_owned());
            lines.collect::<Vec<_>>()
        };
        let (web, job) = (
            "spiffe://a.example/ns/shop/sa/web",
            "spiffe://b.example/ns/shop/sa/web",
        );
        assert_eq!(shown(&[web, "no identity"]), ["shop/sa/web", "no identity"]);
        for other in [job, "spiffe://a.example/vm/ns/x"] {
            assert!(shown(&[web, other])[0].starts_with("spiffe"), "{other}");
        }
    }

    #[test]
    fn the_whole_table_is_shown_where_there_is_room() {
        let table = table(&[370_539_372.0]);
        let text = &fit(&table, 0..1, Order::Name, 400).lines[0].text;
        assert_eq!(*text, format!("! {}", whole(&table).lines[0].text));
    }
}
