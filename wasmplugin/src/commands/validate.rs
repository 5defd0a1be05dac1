//! `peergate validate`.

mod expiring;

use std::time::Duration;

use peergate_fault::{ExitStatus, Failure};
use policy_schema::diagnostic::Diagnostic;
use policy_schema::policy::{IstioVersion, ServicePolicy};
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, Validated};
use policy_schema::wording::counted;
use serde_json::json;

use crate::input::{Input, InputArgs};
use crate::output::{self, Format};
use crate::policies;
use crate::report::{self, LimitArgs, Message};

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
    match args.output {
        Format::Human => {
            report::limited_diagnostics(&validated.diagnostics, &input.sources, args.limit);
            if let Some(span) = args.expiring {
                let expiring = expiring::within(&validated.ends, options.at, span, &input.sources);
                output::write_stdout(expiring::human(&expiring).as_bytes())?;
            }
            report::summary(&summary(&input, &validated));
        }
        Format::Json => {
            let chosen = args.limit.diagnostics(&validated.diagnostics).into_iter();
            let entries = report::entries(chosen.map(Message::from), &input.sources);
            let json = match args.expiring {
                Some(span) => output::json(&json!({
                    "problems": entries,
                    "expiring": expiring::within(&validated.ends, options.at, span, &input.sources),
                }))?,
                None => output::json(&entries)?,
            };
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

fn summary(input: &Input, validated: &Validated) -> String {
    let files = counted(input.sources.len(), "file", "files");
    let found = match validated.diagnostics.as_slice() {
        [] => "no problems".to_owned(),
        diagnostics => report::counts(diagnostics.iter().map(Diagnostic::severity)),
    };
    match &validated.policies {
        None => format!("{files}: {found}"),
        Some(set) => {
            let policies = counted(set.policies().len(), "policy", "policies");
            let rules = set.policies().iter().map(ServicePolicy::rule_count).sum();
            format!(
                "{files}, {policies}, {}: {found}",
                counted(rules, "rule", "rules")
            )
        }
    }
}
