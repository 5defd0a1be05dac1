//! Tests of narrow layouts.

use peergate_insight::traffic::snapshot::Snapshot;

use super::*;
use crate::traffic::table::{Kind, Rate, Row};

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
fn numbers_are_never_truncated() {
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
fn abbreviates_only_numbers_that_do_not_fit() {
    let table = table(&[370_539_372.0, 1_234_567.0]);
    let at = |width| fit(&table, 0..2, Order::Name, width).lines;
    assert!(at(120)[0].text.contains(" 370539372 "));
    let narrow = at(60);
    assert!(narrow[0].text.contains(" 371M "), "{}", narrow[0].text);
    assert!(narrow[1].text.contains(" 1234567 "), "{}", narrow[1].text);
}

#[test]
fn keeps_the_sort_column() {
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
fn drops_empty_columns_first() {
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
fn removes_the_common_trust_domain_of_callers() {
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
fn shows_the_whole_table_if_it_fits() {
    let table = table(&[370_539_372.0]);
    let text = &fit(&table, 0..1, Order::Name, 400).lines[0].text;
    assert_eq!(*text, format!("! {}", whole(&table).lines[0].text));
}
