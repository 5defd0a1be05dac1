//! A snapshot as plain text, for pipes and `--once`.

use peergate_insight::traffic::snapshot::Snapshot;

use super::fit;
use super::order::Order;
use super::table::{Kind, Table};

/// Formats the heading, the rules, and the callers if the learning mode is on.
pub fn text(snapshot: &Snapshot, order: Order) -> String {
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
        return "no counters\n".to_owned();
    }
    let fitted = fit::whole(table);
    let lines = fitted.lines.iter().map(|line| line.text.as_str());
    let mut text = String::new();
    for line in std::iter::once(fitted.header.as_str()).chain(lines) {
        text += line;
        text.push('\n');
    }
    text
}
