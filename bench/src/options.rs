//! The arguments of the request benchmark.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Parser;

use crate::catalog::{baseline, catalog};
use crate::error::BenchError;
use crate::filters::ExtraModule;
use crate::protocol::Protocol;
use crate::rows::Row;

/// Measure what each way to enforce a policy costs in a real Envoy
#[derive(Debug, Parser)]
#[command(name = "request")]
pub struct Options {
    /// Rows to measure, comma-separated: a name, or a name with a number of rules (`peergate-identity/100`)
    /// [default: all rows]
    #[arg(long, value_delimiter = ',', value_name = "ROW")]
    pub rows: Vec<String>,
    /// Print the rows and exit
    #[arg(long)]
    pub list: bool,
    /// Stop after about MINUTES, with fewer rounds
    #[arg(long, default_value_t = 25.0)]
    pub minutes: f64,
    /// Rounds of slices, over all restarts
    #[arg(long, default_value_t = 60)]
    pub rounds: u32,
    /// Starts of all proxies, each with its share of the rounds
    #[arg(long, default_value_t = 3)]
    pub restarts: u32,
    /// Milliseconds at the fixed rate, for each row, HTTP version and restart; 0 measures no latency
    #[arg(long, default_value_t = 1_000)]
    pub latency_ms: u64,
    /// HTTP versions to measure, comma-separated
    #[arg(long, value_delimiter = ',', value_enum, default_values_t = Protocol::ALL)]
    pub protocols: Vec<Protocol>,
    /// Seed of the random order
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Peergate's module; the comparing module and those of `scripts/build-bench-modules` are in the same folder
    #[arg(
        long,
        env = "PEERGATE_FILTER",
        default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/filter/peergate_filter.wasm")
    )]
    pub filter: PathBuf,
    /// Add a row for another Wasm module with the configuration in a file; repeatable
    #[arg(long, value_name = "NAME=MODULE,CONFIG")]
    pub module: Vec<ExtraModule>,
    /// Write the page, its charts and the raw data to this folder, instead of printing the table only
    #[arg(long, value_name = "DOCS")]
    pub write: Option<PathBuf>,
    /// With `--write`: do not measure; render the raw data in the folder again
    #[arg(long, requires = "write")]
    pub render: bool,
    /// `cargo bench` passes it; without it, nothing is measured
    #[arg(long, hide = true)]
    pub bench: bool,
}

impl Options {
    /// The rows to measure, the baseline first.
    pub fn selected_rows(&self) -> Result<Vec<Row>, BenchError> {
        let all = catalog();
        for selector in &self.rows {
            if !all.iter().any(|row| row.is_selected_by(selector)) {
                return Err(BenchError::NoRow(selector.clone()));
            }
        }
        let is_selected = |row: &Row| {
            self.rows.is_empty()
                || *row == baseline()
                || self
                    .rows
                    .iter()
                    .any(|selector| row.is_selected_by(selector))
        };
        let extra = self.module.iter().map(|extra| Row::module(&extra.name));
        Ok(all.into_iter().filter(is_selected).chain(extra).collect())
    }
}

impl FromStr for ExtraModule {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text
            .split_once('=')
            .and_then(|(name, files)| Some((name, files.split_once(',')?)));
        let (name, (module, config)) = parts.ok_or("expected NAME=MODULE,CONFIG")?;
        Ok(Self {
            name: name.to_owned(),
            module: module.into(),
            config: config.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(arguments: &[&str]) -> Result<Vec<String>, BenchError> {
        let options = Options::parse_from([&["request"], arguments].concat());
        let rows = options.selected_rows()?;
        Ok(rows.iter().map(Row::id).collect())
    }

    #[test]
    fn the_baseline_is_always_selected() {
        let selected = ids(&["--rows", "sdk-noop,peergate-identity/100"]).expect("rows");
        assert_eq!(selected, ["none/0", "sdk-noop/1", "peergate-identity/100"]);
        assert_eq!(ids(&[]).expect("rows").len(), catalog().len());
    }

    #[test]
    fn a_row_that_does_not_exist_is_an_error() {
        assert!(matches!(ids(&["--rows", "floor"]), Err(BenchError::NoRow(row)) if row == "floor"));
    }

    #[test]
    fn adds_modules() {
        let selected = ids(&["--rows", "none", "--module", "old=a.wasm,b.json"]).expect("rows");
        assert_eq!(selected, ["none/0", "old/1"]);
    }
}
