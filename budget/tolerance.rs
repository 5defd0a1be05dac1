//! Golden files of figures that differ a little between compilers.

use std::collections::BTreeMap;
use std::fmt;

use crate::table::Table;

/// How far a figure may be from its golden value, in percent.
const TOLERANCE: u64 = 5;

/// A table of figures. The first column names the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) headings: Vec<&'static str>,
    pub(crate) rows: Vec<(String, Vec<u64>)>,
}

/// A figure that is not within the tolerance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Deviation {
    row: String,
    column: &'static str,
    golden: u64,
    measured: u64,
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            row,
            column,
            golden,
            measured,
        } = self;
        let verb = if measured > golden { "grew" } else { "fell" };
        let percent = 100 * golden.abs_diff(*measured) / golden.max(&1);
        write!(
            f,
            "{row}: {column} {verb} by {percent} %, from {golden} to {measured}"
        )
    }
}

impl Figures {
    /// These figures, but with the golden value in place of each that is within the tolerance.
    pub(crate) fn settled(&self, golden: &str) -> (Self, Vec<Deviation>) {
        let golden = parse(golden);
        let mut settled = self.clone();
        let mut deviations = Vec::new();
        for (row, figures) in &mut settled.rows {
            let known = golden.get(row.as_str()).into_iter().flatten();
            let columns = self.headings.iter().skip(1);
            for ((figure, golden), column) in figures.iter_mut().zip(known).zip(columns) {
                if golden.abs_diff(*figure) * 100 <= golden * TOLERANCE {
                    *figure = *golden;
                } else {
                    deviations.push(Deviation {
                        row: row.clone(),
                        column,
                        golden: *golden,
                        measured: *figure,
                    });
                }
            }
        }
        (settled, deviations)
    }

    /// The table as text.
    pub(crate) fn text(&self) -> String {
        let mut table = Table::new(&self.headings);
        for (row, figures) in &self.rows {
            let figures = figures.iter().map(u64::to_string);
            table.push(std::iter::once(row.clone()).chain(figures).collect());
        }
        table.lines().join("\n")
    }
}

/// The rows of a golden file with figures.
fn parse(golden: &str) -> BTreeMap<&str, Vec<u64>> {
    let rows = golden.lines().filter_map(|line| {
        let (row, figures) = line.split_once(" | ")?;
        let figures = figures.split('|').map(|figure| figure.trim().parse().ok());
        Some((row.trim_end(), figures.collect::<Option<_>>()?))
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(rows: &[(&str, u64)]) -> Figures {
        Figures {
            headings: vec!["scenario", "fuel"],
            rows: rows
                .iter()
                .map(|(row, figure)| ((*row).to_owned(), vec![*figure]))
                .collect(),
        }
    }

    #[test]
    fn keeps_golden_values_within_five_percent() {
        let golden = figures(&[("a", 1_000), ("b", 1_000)]);
        let (settled, deviations) = figures(&[("a", 1_050), ("b", 950)]).settled(&golden.text());
        assert_eq!((settled, deviations), (golden, Vec::new()));
    }

    #[test]
    fn reports_every_figure_beyond_five_percent() {
        let golden = figures(&[("a", 1_000), ("b", 1_000), ("c", 0)]);
        let measured = figures(&[("a", 1_051), ("b", 949), ("c", 1)]);
        let (settled, deviations) = measured.settled(&golden.text());
        assert_eq!(settled, measured);
        assert_eq!(
            deviations
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>(),
            [
                "a: fuel grew by 5 %, from 1000 to 1051",
                "b: fuel fell by 5 %, from 1000 to 949",
                "c: fuel grew by 100 %, from 0 to 1",
            ]
        );
    }

    #[test]
    fn new_rows_differ_from_the_golden_file() {
        let golden = figures(&[("a", 1_000)]);
        let measured = figures(&[("a", 1_001), ("b", 5)]);
        let (settled, deviations) = measured.settled(&golden.text());
        assert_eq!(settled, figures(&[("a", 1_000), ("b", 5)]));
        assert_eq!(deviations, []);
    }
}
