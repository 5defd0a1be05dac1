//! Texts in columns.

use crate::shorten::width;

/// Where a text stands in its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// How wide a column is at least, in columns of a terminal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub(crate) width: usize,
    pub(crate) align: Align,
}

/// Columns beside each other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout<'c> {
    /// What stands before the first.
    pub(crate) indent: usize,
    /// What stands between two.
    pub(crate) gap: usize,
    pub(crate) columns: &'c [Column],
}

/// A name for what follows, and what follows: `reason    no-rule-matched`.
pub(crate) const FIELDS: Layout<'_> = Layout {
    indent: 0,
    gap: 2,
    columns: &[left(8), left(0)],
};

pub(crate) const fn left(width: usize) -> Column {
    Column {
        width,
        align: Align::Left,
    }
}

pub(crate) const fn right(width: usize) -> Column {
    Column {
        width,
        align: Align::Right,
    }
}

impl Layout<'_> {
    /// The texts in a line, each in its column.
    pub(crate) fn line<T: AsRef<str>>(&self, texts: impl IntoIterator<Item = T>) -> String {
        let mut line = " ".repeat(self.indent);
        for (place, (text, column)) in texts.into_iter().zip(self.columns).enumerate() {
            let text = text.as_ref();
            let fill = column.width.saturating_sub(width(text));
            let (before, after) = match column.align {
                Align::Left => (0, fill),
                Align::Right => (fill, 0),
            };
            let gap = if place == 0 { 0 } else { self.gap };
            line.extend(std::iter::repeat_n(' ', gap + before));
            line.push_str(text);
            line.extend(std::iter::repeat_n(' ', after));
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stand_in_their_columns() {
        let columns = Layout {
            indent: 1,
            gap: 2,
            columns: &[left(4), right(3), left(0)],
        };
        for (texts, line) in [
            (["a", "1", "z"], " a       1  z"),
            (["too long", "1234", ""], " too long  1234  "),
            // Each of these takes two columns of a terminal.
            (["買い", "1", "z"], " 買い    1  z"),
        ] {
            assert_eq!(columns.line(texts), line);
        }
    }
}
