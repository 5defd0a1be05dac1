//! `peergate explain`.

mod error;
mod patched_file;

use peergate_fault::{ExitStatus, Failure};
use peergate_insight::explanation::explained::Inquiry;
use peergate_insight::explanation::remedy::Choice;
use peergate_report::explanation::notes::notes;
use peergate_report::explanation::patch::Patch;
use peergate_report::explanation::report::Report;
use peergate_report::explanation::{human, json};
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::Options;

use crate::decision_key::KeyArgs;
use crate::input::InputArgs;
use crate::label::parse_label;
use crate::policy_file::{PolicyFileError, changed_file};
use crate::{output, policies, report};

use error::ExplainError;
use patched_file::patched_file;

/// Say why a request was denied, and what change would allow it
///
/// The id of the decision is in the answer that the caller got, in the header `x-peergate-decision`, in the filter's
/// log and in the proxy's. It tells by itself what was asked and what was decided; nothing but the documents is needed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  peergate explain AW4I…Whcq -f policies/
  peergate explain AW4I…Whcq -f policies/ --decision-key key.txt
  peergate explain AW4I…Whcq -f policies/ --output patch | git apply
  peergate explain AW4I…Whcq -f policies/ --write --decision-key key.txt

The change was tried: with it the engine allows the request. A new rule is for this caller, this
method and this path alone, and for this host and port where another rule takes the request but
for these. Whether that is wanted is for the owner of the policy to say, and whether the caller is
who the id says, unless it is sealed.

Anyone can make up an id that is not sealed, and with it a rule for any caller. `--write` therefore
needs `--yes` for such an id: find out first who called.

Exit codes: 0 explained; 1 a file could not be read or written; 2 no change of the policy would
allow it, with `--output patch` or `--write`; 3 the id, the policies or the arguments are invalid,
or `--write` needs `--yes`.")]
pub(crate) struct Args {
    /// The id of the decision
    id: String,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    key: KeyArgs,
    /// A label of the workload beyond those that the policy selects; repeatable. It tells which other policies are
    /// for the workload
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = parse_label)]
    labels: Vec<(String, String)>,
    /// How far to prolong a rule that has expired, a time to come [default: to the end of the day in a week, UTC]
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    until: Option<Timestamp>,
    /// Put the change into the file of the policy
    #[arg(long)]
    write: bool,
    /// Write the change although the id is not sealed, so that anyone may have made it up
    #[arg(long, requires = "write")]
    yes: bool,
    /// The form of the explanation
    #[arg(long, value_name = "FORM", value_enum, default_value_t)]
    output: Form,
}

/// The form of the explanation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// For people
    #[default]
    Human,
    /// For programs
    Json,
    /// The change alone, as `git apply` and `patch -p1` take it
    Patch,
}

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    if args.input.uses_stdin() {
        if args.write {
            return Err(PolicyFileError::Stdin.into());
        }
        if args.output == Form::Patch {
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
        id: &args.id,
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
        Form::Human => human::text(&report).into_bytes(),
        Form::Json => json::json(&report)?,
        Form::Patch => patch.iter().flat_map(|patch| patch.text.bytes()).collect(),
    };
    output::write_stdout(&text)?;
    // Whoever takes a change without reading the explanation reads at least these.
    if args.output == Form::Patch || (args.write && args.output != Form::Human) {
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
        output::write_files(vec![file])?;
        report::wrote(&written);
    }
    let is_change_wanted = args.write || args.output == Form::Patch;
    Ok(if is_change_wanted && change.is_none() {
        ExitStatus::Negative
    } else {
        ExitStatus::Success
    })
}

/// To when a rule is prolonged.
fn choice(asked: Option<Timestamp>, now: Timestamp) -> Result<Choice, Failure> {
    match asked {
        Some(until) if until <= now => Err(ExplainError::UntilPast(until).into()),
        Some(until) => Ok(Choice { until }),
        None => Ok(Choice::at(now)),
    }
}
