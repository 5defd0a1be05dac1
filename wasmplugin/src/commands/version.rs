//! `peergate version`.

use peergate_fault::{ExitStatus, Failure};
use peergate_report::serialized;
use serde_json::json;

use crate::format::ReportFormat;
use crate::output;

/// Print the version and the commit that it was built from
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Output format
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t)]
    output: ReportFormat,
}

/// The version, with the commit in parentheses if it is known.
const VERSION: &str = env!("PEERGATE_VERSION");

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let text = match args.output {
        ReportFormat::Table => format!("peergate {VERSION}\n").into_bytes(),
        ReportFormat::Json => {
            let commit = VERSION.split_once(" (").map(|(_, commit)| commit);
            serialized::json(&json!({
                "version": env!("CARGO_PKG_VERSION"),
                "commit": commit.map(|commit| commit.trim_end_matches(')')),
            }))?
        }
    };
    output::write_stdout(&text)?;
    Ok(ExitStatus::Success)
}
