//! `peergate learn`.

mod args;
mod error;

use std::collections::BTreeSet;
use std::path::Path;

use peergate_fault::{ExitStatus, Failure};
use peergate_insight::learning::document::{DocumentError, NewPolicy};
use peergate_insight::learning::draft::{Draft, DraftError};
use peergate_insight::learning::existing_policies::{ExistingPolicies, ExistingPoliciesError};
use peergate_insight::learning::seen::{LogError, Seen};
use peergate_insight::learning::series;
use peergate_insight::policy_lookup::PolicyLookupError;
use peergate_insight::policy_text::InvalidEdit;
use peergate_mesh::network;
use peergate_report::learning::unread::Unread;
use peergate_report::learning::{human, json, notes};
use peergate_report::message;
use peergate_report::serialized::SerializeError;
use policy_schema::code;
use policy_schema::diagnostic::Diagnostic;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::Options;

use crate::input::{self, BYTE_ORDER_MARK, InputArgs, InputError, cannot_read, is_stdin, name_of};
use crate::output::{self, Format};
use crate::policies::InvalidPolicies;
use crate::{policies, report};

pub(crate) use args::Args;

use error::LearnError;

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let input = InputArgs::of(&args.files);
    let logs_at_stdin = args.access_logs.iter().filter(|path| is_stdin(path));
    let policies_at_stdin = input.as_ref().is_some_and(InputArgs::uses_stdin);
    if logs_at_stdin.count() + usize::from(policies_at_stdin) > 1 {
        return Err(InputError::StdinTwice.into());
    }
    let at = policies::at_or_now(args.at);
    let (known, marked) = known(args, input.as_ref(), at)?;
    let mut seen = Seen::new(&known, args.counting());
    for log in &args.access_logs {
        read_log(&mut seen, log, args)?;
    }
    for (labels, tally) in args.series(at)? {
        seen.add_series(&labels, tally)?;
    }
    let Seen {
        workloads,
        faults,
        without_caller,
        ..
    } = seen;
    let unread = Unread {
        faults,
        without_caller,
    };
    let (evidence, new) = (args.evidence(), args.new_policy());
    let draft = Draft::new(workloads, &known, evidence, &args.evidence.templates, &new);
    let draft = draft.map_err(not_learnt)?;
    let unused = notes::unused_templates(&draft.learned, &args.evidence.templates);
    unused.into_iter().for_each(report::note);
    show(&draft, &marked, &unread, &new, args)?;
    Ok(if draft.documents().next().is_some() {
        ExitStatus::Success
    } else {
        ExitStatus::Negative
    })
}

/// What is allowed already, and which of its texts begin with a byte order mark.
fn known(
    args: &Args,
    input: Option<&InputArgs>,
    at: Timestamp,
) -> Result<(ExistingPolicies, BTreeSet<usize>), Failure> {
    let Some(input) = input else {
        let domain = args.trust_domain.as_deref().unwrap_or_default();
        let known = ExistingPolicies::nothing(domain, args.counting.include_anonymous, at);
        let known = known.map_err(|reason| match reason {
            ExistingPoliciesError::InvalidEdit(unsound) => {
                InvalidPolicies(counts(&unsound.diagnostics)).into()
            }
            ExistingPoliciesError::Compilation(reason) => Failure::from(reason),
        })?;
        return Ok((known, BTreeSet::new()));
    };
    let options = Options {
        at,
        istio_version: None,
    };
    let (input, set) = policies::load_with_texts(input, options)?;
    let known = ExistingPolicies::new(input.sources, set, options, args.port)?;
    Ok((known, input.marked))
}

fn read_log(seen: &mut Seen<'_>, file: &Path, args: &Args) -> Result<(), Failure> {
    let (log, name) = (input::open(file)?, name_of(file));
    let lines = seen.read_log(log, name.clone(), args.workload.as_ref());
    let lines = lines.map_err(|reason| match reason {
        LogError::Read(reason) => Failure::from(cannot_read(file, reason)),
        reason @ LogError::NoAccessLog { .. } => reason.into(),
    })?;
    if lines == 0 {
        report::note(notes::no_lines(&name));
    }
    Ok(())
}

/// Shows what is wrong with what would be written.
fn not_learnt(reason: DraftError) -> Failure {
    match reason {
        DraftError::Document(DocumentError::NotEditable(reason)) => reason.into(),
        DraftError::Document(DocumentError::Yaml(reason)) => SerializeError::from(reason).into(),
        DraftError::SeveralNew(count) => PolicyLookupError::Several(count).into(),
        DraftError::Rejected(ExistingPoliciesError::Compilation(reason)) => reason.into(),
        DraftError::Rejected(ExistingPoliciesError::InvalidEdit(InvalidEdit {
            texts,
            diagnostics,
        })) => {
            report::diagnostics(&diagnostics, &texts);
            let counts = counts(&diagnostics);
            let mut codes = diagnostics.iter().map(|found| found.code);
            if codes.any(|code| code == code::MISSING_SERVICE) {
                LearnError::LearntWithoutService(counts).into()
            } else {
                LearnError::NotLearnt(counts).into()
            }
        }
    }
}

fn counts(diagnostics: &[Diagnostic]) -> String {
    message::counts(diagnostics.iter().map(Diagnostic::severity))
}

fn show(
    draft: &Draft,
    marked: &BTreeSet<usize>,
    unread: &Unread,
    new: &NewPolicy,
    args: &Args,
) -> Result<(), Failure> {
    let Draft { learned, texts } = draft;
    match args.output {
        Format::Json => {
            output::write(&args.out, json::json(learned, texts, unread)?)?;
            args.say_written();
            Ok(())
        }
        Format::Human => {
            if let Some(mut text) = texts.joined() {
                // Within a text a mark would be a mistake.
                if texts.only_source().is_some_and(|it| marked.contains(&it)) {
                    text.insert_str(0, BYTE_ORDER_MARK);
                }
                output::write(&args.out, text.into_bytes())?;
                args.say_written();
            }
            report::remarks(human::remarks(learned, unread, new));
            Ok(())
        }
    }
}

impl Args {
    fn say_written(&self) {
        if !is_stdin(&self.out) {
            report::wrote(&self.out);
        }
    }

    /// What Prometheus has of the learning mode, if one is named.
    fn series(&self, at: Timestamp) -> Result<Vec<series::Series>, Failure> {
        let asked = network::block_on(async {
            let Some(prometheus) = self.prometheus.connect()? else {
                return Ok(Vec::new());
            };
            let workload = self.workload.as_ref();
            let series = series::ask(&prometheus, self.window, workload, at).await?;
            if series.is_empty() && !series::has_series(&prometheus, self.window, at).await? {
                report::note(notes::nothing_counted(
                    prometheus.url(),
                    &self.window.text(),
                ));
            }
            Ok(series)
        });
        asked?
    }
}
