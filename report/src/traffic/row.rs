//! All of a row, with every digit.

use super::table::{Content, Table};
use crate::columns::{Layout, left};

/// A title and its cell.
const CELL: Layout<'_> = Layout {
    indent: 0,
    gap: 1,
    columns: &[left(9), left(0)],
};

/// A count and its rate beside each other, so that all of them fit a small screen.
const NUMBERS: Layout<'_> = Layout {
    indent: 0,
    gap: 2,
    columns: &[left(19), left(0)],
};

/// The lines of the row at this place, counted from 0, if there is one.
pub fn lines(table: &Table, place: usize) -> Option<Vec<String>> {
    let row = table.rows.get(place)?;
    let (mut texts, mut numbers) = (Vec::new(), Vec::new());
    for (column, cell) in table.columns.iter().zip(&row.cells) {
        let text = CELL.line([column.title, &cell.exact()]);
        match column.content {
            Content::Number => numbers.push(text),
            Content::Name | Content::Remark => texts.push(text),
        }
    }
    let (rates, counts) = numbers.split_at(numbers.len() / 2);
    let numbers = counts.iter().zip(rates);
    let numbers = numbers.map(|(count, rate)| NUMBERS.line([count, rate]));
    Some(numbers.chain(texts).collect())
}
