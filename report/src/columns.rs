//! Column layout for terminal text.

use crate::shorten::width;

/// The alignment of a text in its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// A column with a minimum width, in terminal columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub(crate) width: usize,
    pub(crate) align: Align,
}

/// A row layout.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout<'c> {
    /// Spaces before the first column.
    pub(crate) indent: usize,
    /// Spaces between two columns.
    pub(crate) gap: usize,
    pub(crate) columns: &'c [Column],
}

/// A field name and its value: `reason    no-rule-matched`.
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
    /// Formats one row.
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
    fn aligns_texts_in_columns() {
        let columns = Layout {
            indent: 1,
            gap: 2,
            columns: &[left(4), right(3), left(0)],
        };
        for (texts, line) in [
            (["a", "1", "z"], " a       1  z"),
            (["too long", "1234", ""], " too long  1234  "),
            // Each of these characters is two terminal columns wide.
            (["買い", "1", "z"], " 買い    1  z"),
        ] {
            assert_eq!(columns.line(texts), line);
        }
    }
}
