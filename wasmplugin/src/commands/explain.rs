//! `peergate explain`.

mod error;
mod patched_file;

use clap_complete::engine::ArgValueCompleter;
use peergate_fault::{ExitStatus, Failure};
use peergate_insight::explanation::explained::Inquiry;
use peergate_insight::explanation::remedy::Choice;
use peergate_report::explanation::notes::notes;
use peergate_report::explanation::patch::Patch;
use peergate_report::explanation::report::Report;
use peergate_report::explanation::{human, json};
use peergate_report::pages;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::Options;

use crate::decision_key::KeyArgs;
use crate::input::PathArgs;
use crate::label::parse_label;
use crate::output::{self, Overwrite};
use crate::policy_file::{PolicyFileError, changed_file};
use crate::time_args::parse_time_or_span;
use crate::{complete, policies, report};

use error::ExplainError;
use patched_file::patched_file;

/// Explain a denial by its decision ID, or a code of Peergate
///
/// The decision ID is in the caller's response, in the header `x-peergate-decision`, and in the logs of filter and
/// proxy. It contains the request and the decision, so nothing but the policy documents is needed. If a change to the
/// documents would allow the request, it is printed too.
///
/// Instead of an ID, name the code of a diagnostic, a finding or a denial, such as `no-rule-matched`. The page about it
/// is printed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  peergate explain AW4I…Whcq policies/
  peergate explain AW4I…Whcq policies/ --decision-key key.txt
  peergate explain AW4I…Whcq policies/ -o patch | git apply
  peergate explain AW4I…Whcq policies/ --write --decision-key key.txt
  peergate explain no-rule-matched

The change has been verified: with it, the engine allows the request. A new rule allows only this
caller, method and path. If another rule differs from the request only in host or port, the new rule
also requires the host and port. Whether to allow the request is up to the owner of the policy.

Anyone can make up an ID that is not sealed, and with it a rule for any caller. `--write` therefore
needs `--yes` for such an ID. Find out first who called.

Exit status: 2 with `-o patch` or `--write`, if no change to the policy would allow the request.")]
pub(crate) struct Args {
    /// The decision ID, or a code
    #[arg(value_name = "ID|CODE", add = ArgValueCompleter::new(complete::codes))]
    subject: String,
    #[command(flatten)]
    input: PathArgs,
    #[command(flatten)]
    key: KeyArgs,
    /// Label of the workload in addition to those that the policy selects; repeatable
    ///
    /// The labels determine which other policies select the workload.
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = parse_label)]
    labels: Vec<(String, String)>,
    /// New end of an expired rule: RFC 3339, a date, or a time span from now [default: the end of the day in a week, UTC]
    #[arg(long, value_name = "TIME", value_parser = parse_time_or_span)]
    until: Option<Timestamp>,
    /// Write the change to the file of the policy
    #[arg(long)]
    write: bool,
    /// Write the change although the ID is not sealed and may be made up
    #[arg(long, requires = "write")]
    yes: bool,
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
    /// Only the change, for `git apply` or `patch -p1`
    Patch,
}

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    if let Some(page) = pages::page(&args.subject) {
        output::write_stdout(page.as_bytes())?;
        return Ok(ExitStatus::Success);
    }
    if args.input.is_empty() {
        return Err(ExplainError::no_documents(&args.subject).into());
    }
    explain_decision(args)
}

fn explain_decision(args: &Args) -> Result<ExitStatus, Failure> {
    if args.input.uses_stdin() {
        if args.write {
            return Err(PolicyFileError::Stdin.into());
        }
        if args.output == Format::Patch {
            return Err(ExplainError::StdinNotPatchable.into());
        }
    }
    let now = policies::at_or_now(None);
    let choice = choice(args.until, now)?;
    let options = Options {
        at: now,
        istio_version: None,
    };
    let (input, set) = policies::load_with_texts(&args.input, options)?;
    let set = set.with_decision_key(args.key.read()?);
    let inquiry = Inquiry {
        id: &args.subject,
        set: &set,
        sources: &input.sources,
        labels: &args.labels,
        now,
        choice,
    };
    let explained = inquiry.explain()?;
    let change = explained.tried.change.as_ref();
    let patch = change.map(|change| Patch::new(change, patched_file(&change.source.name)));
    let may_write = explained.is_sealed || args.yes;
    let report = Report {
        explained: &explained,
        patch: patch.as_ref(),
        is_written: args.write && may_write,
    };
    let text = match args.output {
        Format::Table => human::text(&report).into_bytes(),
        Format::Json => json::json(&report)?,
        Format::Patch => patch.iter().flat_map(|patch| patch.text.bytes()).collect(),
    };
    output::write_stdout(&text)?;
    // Notes must be seen even if only the change is printed.
    if args.output == Format::Patch || (args.write && args.output != Format::Table) {
        notes(&report).into_iter().for_each(report::note);
    }
    if args.write
        && let Some(change) = change
    {
        if !may_write {
            return Err(ExplainError::Unsealed.into());
        }
        let file = changed_file(&change.source, &change.text)?;
        let written = file.path.clone();
        output::write_files(vec![file], Overwrite::Any)?;
        report::wrote(&written);
    }
    let is_change_wanted = args.write || args.output == Format::Patch;
    Ok(if is_change_wanted && change.is_none() {
        ExitStatus::Negative
    } else {
        ExitStatus::Success
    })
}

/// Until when an expired rule is extended.
fn choice(asked: Option<Timestamp>, now: Timestamp) -> Result<Choice, Failure> {
    match asked {
        Some(until) if until <= now => Err(ExplainError::UntilPast(until).into()),
        Some(until) => Ok(Choice { until }),
        None => Ok(Choice::at(now)),
    }
}
