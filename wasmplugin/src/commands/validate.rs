//! `peergate validate`.

use std::time::Duration;

use peergate_fault::{ExitStatus, Failure};
use peergate_report::limit;
use peergate_report::validation::{expiring, json, summary};
use policy_schema::policy::IstioVersion;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, Validated};

use crate::input::InputArgs;
use crate::output::{self, Format};
use crate::policies;
use crate::report::{self, LimitArgs};

/// Check policies, and show everything that is wrong with them
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  peergate validate -f policies/
  peergate validate -f policies/ --deny-warnings --output json
  peergate validate -f policies/ --at 2027-01-01T00:00:00Z  # as read at that time
  peergate validate -f policies/ --expiring 30d  # what ends when, by owner

With `--output json`, stdout gets an array of objects with the fields code,
severity, file, line, column, endLine, endColumn, message, help and, if another
place matters, related (file, line, column, endLine, endColumn). Lines and
columns count from 1, columns in characters; the end is exclusive. If there are
more problems than `--max-problems`, stderr says how many are left out.

--expiring lists rules and mTLS exceptions on stdout that have ended or end within
the time span. With `--output json` stdout then gets an object with `problems`,
the array above, and `expiring`, an array of objects with the fields kind (rule or
exception), namespace, name (of the policy or exception), rule, owner, notAfter,
expired, file and line.

Exit codes: 0 valid; 1 a file could not be read; 3 invalid.")]
pub(crate) struct Args {
    #[command(flatten)]
    input: InputArgs,
    /// Refuse policies with warnings too
    #[arg(long)]
    deny_warnings: bool,
    /// List what has ended or ends within this time span, by owner
    #[arg(long, value_name = "SPAN", value_parser = super::promote::parse_window)]
    expiring: Option<Duration>,
    /// The time at which rules count as expired [default: now]
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    at: Option<Timestamp>,
    /// The Istio version to check for [default: the mesh's]
    #[arg(long, value_name = "1.NN", value_parser = policies::parse_istio_version)]
    istio_version: Option<IstioVersion>,
    /// `human`: messages on stderr; `json`: an array on stdout
    #[arg(
        long,
        value_name = "FORM",
        value_enum,
        default_value_t,
        hide_possible_values = true
    )]
    output: Format,
    #[command(flatten)]
    limit: LimitArgs,
}

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let options = Options {
        at: policies::at_or_now(args.at),
        istio_version: args.istio_version,
    };
    let (input, validated) = policies::read(&args.input, options)?;
    let Validated {
        diagnostics,
        expirations,
        ..
    } = &validated;
    let expiring = args
        .expiring
        .map(|span| expiring::within(expirations, options.at, span, &input.sources));
    let chosen = limit::diagnostics(diagnostics, args.limit.max_problems);
    match args.output {
        Format::Human => {
            report::messages(chosen, &input.sources);
            if let Some(expiring) = &expiring {
                output::write_stdout(expiring::text(expiring).as_bytes())?;
            }
            report::summary(summary::text(input.sources.len(), &validated));
        }
        Format::Json => {
            chosen.left_out.into_iter().for_each(report::note);
            let json = json::json(chosen.shown, &input.sources, expiring.as_deref())?;
            output::write_stdout(&json)?;
        }
    }
    let is_refused = args.deny_warnings && !validated.diagnostics.is_empty();
    Ok(if validated.policies.is_none() || is_refused {
        ExitStatus::Invalid
    } else {
        ExitStatus::Success
    })
}
