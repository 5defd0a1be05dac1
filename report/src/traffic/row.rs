//! One row with all digits.

use super::table::{Content, Table};
use crate::columns::{Layout, left};

/// A title and a cell.
const CELL: Layout<'_> = Layout {
    indent: 0,
    gap: 1,
    columns: &[left(9), left(0)],
};

/// A count and its rate in one line, to fit a small screen.
const NUMBERS: Layout<'_> = Layout {
    indent: 0,
    gap: 2,
    columns: &[left(19), left(0)],
};

/// Formats the row at this index, if it exists.
pub fn lines(table: &Table, index: usize) -> Option<Vec<String>> {
    let row = table.rows.get(index)?;
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
