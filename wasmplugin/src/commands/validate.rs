//! `peergate validate`.

use std::time::Duration;

use peergate_fault::{ExitStatus, Failure, Fault};
use peergate_report::limit;
use peergate_report::validation::{expiring, github, json, junit, sarif, summary};
use policy_schema::validate::{Options, Validated};
use thiserror::Error;

use crate::format::FindingFormat;
use crate::input::InputArgs;
use crate::out_args::OutFileArgs;
use crate::policies::{self, IstioVersionArgs};
use crate::progress::Progress;
use crate::report::{self, LimitArgs};
use crate::time_args::{AtArgs, parse_window};

/// Check policy documents, and report problems
///
/// Some checks run only once the fields of a document are valid, so a fixed document may have further problems.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  peergate validate policies/
  peergate validate policies/ --deny-warnings -o sarif --out problems.sarif
  peergate validate policies/ --at 2027-01-01     # as of the end of that day
  peergate validate policies/ --expiring 30d      # what expires when, by owner

With `-o table`, problems go to stderr as excerpts of the documents, and the list of `--expiring` to
stdout or to the file of `--out`. The other formats go to stdout or to the file of `--out`.

`-o json` prints an array of objects with the fields code, severity, file, line, column, endLine,
endColumn, message, help and, for a second place, related (file, line, column, endLine,
endColumn). Lines and columns count from 1, columns in characters; the end is exclusive.

With `--expiring`, `-o json` prints an object with `problems`, the array above, and `expiring`, an
array of objects with the fields kind (rule or exception), namespace, name, rule, owner, notAfter,
expired, file and line.

`peergate explain CODE` prints more about a code.

Exit status: 3 if a document is not valid, or has a warning and `--deny-warnings` is set.")]
pub(crate) struct Args {
    #[command(flatten)]
    input: InputArgs,
    /// Treat warnings as errors
    #[arg(long)]
    deny_warnings: bool,
    /// Also list rules and exceptions that have expired or expire within SPAN, by owner
    #[arg(long, value_name = "SPAN", value_parser = parse_window)]
    expiring: Option<Duration>,
    #[command(flatten)]
    at: AtArgs,
    #[command(flatten)]
    istio: IstioVersionArgs,
    /// Output format
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t)]
    output: FindingFormat,
    #[command(flatten)]
    out: OutFileArgs,
    #[command(flatten)]
    limit: LimitArgs,
}

/// A file is named for a format that goes to stderr.
#[derive(Debug, Error)]
#[error("`-o table` prints problems on stderr, so `--out` has nothing to write")]
struct NothingToWrite;

impl Fault for NothingToWrite {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        Some("choose another format with `-o`, or add `--expiring`")
    }
}

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let options = Options {
        at: args.at.time(),
        istio_version: args.istio.istio_version,
    };
    if args.output == FindingFormat::Table && args.expiring.is_none() && args.out.file().is_some() {
        return Err(NothingToWrite.into());
    }
    let (input, validated) = {
        let _progress = Progress::spinner("validating");
        policies::read(args.input.paths(), options)?
    };
    let Validated {
        diagnostics,
        expirations,
        ..
    } = &validated;
    let sources = &input.sources;
    let expiring = args
        .expiring
        .map(|span| expiring::within(expirations, options.at, span, sources));
    let chosen = limit::diagnostics(diagnostics, args.limit.max_problems);
    if args.output == FindingFormat::Table {
        report::messages(chosen, sources);
        if let Some(expiring) = &expiring {
            args.out.write(expiring::text(expiring).into_bytes())?;
        }
        report::summary(summary::text(sources.len(), &validated));
    } else {
        chosen.left_out.into_iter().for_each(report::note);
        args.out.write(match args.output {
            FindingFormat::Table | FindingFormat::Json => {
                json::json(chosen.shown, sources, expiring.as_deref())?
            }
            FindingFormat::Sarif => sarif::json(chosen.shown, sources)?,
            FindingFormat::Junit => junit::xml(chosen.shown, sources)?,
            FindingFormat::Github => github::commands(chosen.shown, sources).into_bytes(),
        })?;
    }
    let is_refused = args.deny_warnings && !validated.diagnostics.is_empty();
    Ok(if validated.policies.is_none() || is_refused {
        ExitStatus::Invalid
    } else {
        ExitStatus::Success
    })
}
