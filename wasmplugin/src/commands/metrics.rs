//! `peergate metrics`.

use peergate_fault::{ExitStatus, Failure};
use peergate_report::metrics;

use crate::output;

/// Say what the filter counts and measures, and how Prometheus gets it
///
/// The filter defines its metrics by the same list.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  peergate metrics
  peergate metrics --output stat-tags           # for Istio's mesh config
  peergate metrics --output relabelling         # for Prometheus, where metricNames is Flat

Exit codes: 0 printed; 1 it could not be written; 3 the arguments are invalid.")]
pub(crate) struct Args {
    /// The form
    #[arg(long, value_name = "FORM", value_enum, default_value_t)]
    output: Form,
}

/// The form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// For people
    #[default]
    Human,
    /// For programs
    Json,
    /// As tables of Markdown
    Markdown,
    /// The tags that proxies must be told, as `extraStatTags` of Istio's mesh config
    StatTags,
    /// What gets labels out of flat names, as `metric_relabel_configs` of Prometheus
    Relabelling,
}

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let content = match args.output {
        Form::Human => metrics::human().into_bytes(),
        Form::Json => metrics::json()?,
        Form::Markdown => metrics::markdown().into_bytes(),
        Form::StatTags => metrics::stat_tags()?.into_bytes(),
        Form::Relabelling => metrics::relabelling()?.into_bytes(),
    };
    output::write_stdout(&content)?;
    Ok(ExitStatus::Success)
}
