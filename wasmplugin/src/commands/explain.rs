//! `peergate explain`.

mod human;
mod json;

use std::path::Path;
use std::time::Duration;

use policy_schema::decision_id::DecisionRecord;
use policy_schema::diagnostic::SourceText;
use policy_schema::engine::{CompiledPolicy, CompiledRule, Outcome};
use policy_schema::plugin_config::PolicyName;
use policy_schema::policy::{PolicySet, ServicePolicy};
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, validate};

use super::decide::{compile, parse_label};
use crate::decision_key::KeyArgs;
use crate::exit_status::ExitStatus;
use crate::explanation::remedy::{Choice, remedy};
use crate::explanation::{self, Explanation, Remedy};
use crate::failure::Failure;
use crate::input::{Input, InputArgs};
use crate::output;
use crate::policies;
use crate::policy_edit::{PolicyText, changed_file};

/// How long a rule that has expired is prolonged for, unless somebody says otherwise.
const ONE_WEEK: Duration = Duration::from_hours(7 * 24);

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
  peergate explain AW4I…Whcq -f policies/ --write

The change was tried: with it the engine allows the request. A new rule is for this caller, this method and this path
alone, and for this host and port where a rule asks for them that takes the request otherwise. Whether that is wanted is for the owner of the policy to say, and whether the caller is who the id says, unless
it is sealed.

Exit codes: 0 explained; 1 a file could not be read or written; 2 no change of the policy would
allow it, with `--output patch` or `--write`; 3 the id, the policies or the arguments are invalid.")]
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
    /// How far to prolong a rule that has expired [default: for a week from now]
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    until: Option<Timestamp>,
    /// Put the change into the file of the policy
    #[arg(long)]
    write: bool,
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

/// All that is to be said.
#[derive(Debug)]
struct Report<'r> {
    record: &'r DecisionRecord,
    /// Whether nobody without the key can have made the id.
    is_sealed: bool,
    explanation: &'r Explanation,
    /// What would make it be allowed; none where it is not known.
    remedy: &'r Remedy,
    /// The change, as a unified diff.
    patch: Option<&'r str>,
}

/// A changed file of the documents.
struct Change {
    source: SourceText,
    text: String,
}

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    if args.write && args.input.uses_stdin() {
        return Err(Failure::StdinNotWritable);
    }
    let now = policies::at_or_now(None);
    // A rule that has expired may be what the decision is about.
    let options = Options {
        at: Timestamp::from_unix_nanoseconds(0),
        istio_version: None,
    };
    let (input, mut set) = policies::load_with_texts(&args.input, options)?;
    if let Some(key) = args.key.read()? {
        set.seal_decisions(key);
    }
    let key_of = |policy: &str| set.decision_key_of(&policies::parse_name(policy).ok()?);
    let record = DecisionRecord::decode(args.id.trim(), key_of).map_err(Failure::DecisionId)?;
    let name = policies::parse_name(&record.policy).map_err(|_| Failure::DecisionOfNoPolicy)?;
    let policy = policies::named(&set, &name)?;
    let compiled = compile(&set, policy, &args.labels)?;
    let explanation = explanation::explain(&record, &compiled, |rule| policy_of(&set, rule));
    let until = args.until.unwrap_or_else(|| now.after(ONE_WEEK));
    let found = remedy(&record, &explanation, &set, policy, Choice { until });
    let (found, change) = tried(found, &input, &record, &name, args)?;
    let patch = change
        .as_ref()
        .map(|change| patch(&change.source, &change.text));
    let report = Report {
        record: &record,
        is_sealed: set.decision_key_of(&name).is_some(),
        explanation: &explanation,
        remedy: &found,
        patch: patch.as_deref(),
    };
    let text = match args.output {
        Form::Human => report.to_string().into_bytes(),
        Form::Json => output::json(&report.to_json())?,
        Form::Patch => patch.clone().unwrap_or_default().into_bytes(),
    };
    output::write_stdout(&text)?;
    if args.write
        && let Some(change) = &change
    {
        output::write_files(vec![changed_file(&change.source, &change.text)?])?;
    }
    let is_change_wanted = args.write || args.output == Form::Patch;
    Ok(if is_change_wanted && change.is_none() {
        ExitStatus::Negative
    } else {
        ExitStatus::Success
    })
}

fn policy_of<'p>(set: &'p PolicySet, rule: &CompiledRule) -> Option<&'p ServicePolicy> {
    let PolicyName { namespace, name } = rule.policy();
    set.policy(namespace, name)
}

/// The remedy with the change that it makes, if with it the documents are valid and allow the request.
fn tried(
    remedy: Remedy,
    input: &Input,
    record: &DecisionRecord,
    name: &PolicyName,
    args: &Args,
) -> Result<(Remedy, Option<Change>), Failure> {
    let Some(policy) = remedy.policy() else {
        return Ok((remedy, None));
    };
    let by_hand = |reason: &str| (Remedy::Advice(reason.to_owned()), None);
    let mut sources = input.sources.clone();
    let texts = sources.iter_mut().map(|source| {
        let text = PolicyText::parse(&source.text).ok();
        let has_policy = text.is_some_and(|text| text.has_policy(policy));
        (source, has_policy)
    });
    let Some((source, _)) = { texts }.find(|(_, has_policy)| *has_policy) else {
        return Ok(by_hand("change the policy by hand: its text was not found"));
    };
    let before = source.clone();
    let text = PolicyText::parse(&before.text);
    let changed = text.and_then(|text| text.apply(remedy.edits(&text)?));
    let Ok(changed) = changed else {
        return Ok(by_hand(
            "change the policy by hand: it is written such that a change would be a guess",
        ));
    };
    source.text.clone_from(&changed);
    let options = Options {
        at: Timestamp::from_unix_nanoseconds(0),
        istio_version: None,
    };
    let Some(set) = validate(&sources, options).policies else {
        return Ok(by_hand(
            "change the policy by hand: no rule can be written for this request alone",
        ));
    };
    let compiled: CompiledPolicy = compile(&set, policies::named(&set, name)?, &args.labels)?;
    let decision = compiled.evaluate(&explanation::request(record));
    if decision.outcome() == Outcome::Allowed {
        let change = Change {
            source: before,
            text: changed,
        };
        return Ok((remedy, Some(change)));
    }
    Ok(by_hand(match remedy {
        Remedy::Except { .. } => {
            "ask its owner: the rule denies the request, and even with an exception no other rule would allow it"
        }
        _ => "change the policy by hand: one change would not be enough",
    }))
}

/// A file's name as seen from the working directory, where it is below it, else from the root.
fn relative(name: &str) -> String {
    let here = std::env::current_dir().and_then(|folder| folder.canonicalize());
    let path = Path::new(name).canonicalize();
    let (Ok(here), Ok(path)) = (here, path) else {
        return name.to_owned();
    };
    let below = path.strip_prefix(&here).or_else(|_| path.strip_prefix("/"));
    below.unwrap_or(&path).display().to_string()
}

/// A unified diff, as `git apply` and `patch -p1` take it.
fn patch(source: &SourceText, changed: &str) -> String {
    let name = relative(&source.name);
    let (before, after) = (format!("a/{name}"), format!("b/{name}"));
    let diff = similar::TextDiff::from_lines(source.text.as_str(), changed);
    let mut unified = diff.unified_diff();
    unified
        .context_radius(3)
        .header(&before, &after)
        .to_string()
}
