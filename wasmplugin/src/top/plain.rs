//! What is to be seen → lines, for pipes and for those who look once.

use super::snapshot::{Order, Snapshot};
use super::table::{Kind, Table};

/// The heading, the rules, and where proxies learn the callers.
pub(crate) fn text(snapshot: &Snapshot, order: Order) -> String {
    let mut text = String::new();
    for line in &snapshot.heading {
        text += line;
        text.push('\n');
    }
    text.push('\n');
    text += &table(&Table::new(Kind::Rules, snapshot, order));
    if !snapshot.callers.is_empty() {
        text.push('\n');
        text += &table(&Table::new(Kind::Callers, snapshot, order));
    }
    text
}

fn table(table: &Table) -> String {
    if table.rows.is_empty() {
        return "nothing is counted\n".to_owned();
    }
    let widths = table.widths();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let cells = cells.zip(&widths).zip(&table.columns);
        let cells: Vec<_> = cells
            .map(|((cell, &width), column)| {
                if column.is_number {
                    format!("{cell:>width$}")
                } else {
                    format!("{cell:<width$}")
                }
            })
            .collect();
        cells.join("  ").trim_end().to_owned() + "\n"
    };
    let mut text = line(&mut table.columns.iter().map(|column| column.title));
    for row in &table.rows {
        text += &line(&mut row.cells.iter().map(String::as_str));
    }
    text
}
