//! `peergate metrics`.

use peergate_fault::{ExitStatus, Failure};
use peergate_report::metrics;

use crate::output;

/// Print the metrics of the filter, and the configuration that labels them
///
/// The filter defines its metrics from the same list.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  peergate metrics
  peergate metrics -o stat-tags      # for Istio's mesh config
  peergate metrics -o relabeling     # for Prometheus, if metricNames is Flat")]
pub(crate) struct Args {
    /// Output format
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t)]
    output: Format,
}

/// The output format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    #[default]
    Table,
    /// For programs
    Json,
    /// Markdown tables
    Markdown,
    /// `extraStatTags` for Istio's mesh config, so that proxies label the metrics
    StatTags,
    /// `metric_relabel_configs` for Prometheus, which turn flat names into labels
    Relabeling,
}

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let content = match args.output {
        Format::Table => metrics::human().into_bytes(),
        Format::Json => metrics::json()?,
        Format::Markdown => metrics::markdown().into_bytes(),
        Format::StatTags => metrics::stat_tags()?.into_bytes(),
        Format::Relabeling => metrics::relabelling()?.into_bytes(),
    };
    output::write_stdout(&content)?;
    Ok(ExitStatus::Success)
}
