//! `peergate learn`.

mod args;
mod error;

use std::collections::BTreeSet;
use std::fs;
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
use peergate_report::generated::with_modeline_and_header;
use peergate_report::learning::unread::Unread;
use peergate_report::learning::{human, json, notes};
use peergate_report::message;
use peergate_report::serialized::SerializeError;
use policy_schema::code;
use policy_schema::diagnostic::Diagnostic;
use policy_schema::plugin_config::PolicyName;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::Options;

use crate::format::DocumentFormat;
use crate::input::{self, BYTE_ORDER_MARK, InputError, PathArgs, cannot_read, is_stdin, name_of};
use crate::policies::InvalidPolicies;
use crate::progress::Progress;
use crate::{policies, report};

pub(crate) use args::Args;

use error::LearnError;

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let input = (!args.input.is_empty()).then_some(&args.input);
    let logs_at_stdin = args.access_logs.iter().filter(|path| is_stdin(path));
    let policies_at_stdin = args.input.uses_stdin();
    if logs_at_stdin.count() + usize::from(policies_at_stdin) > 1 {
        return Err(InputError::StdinTwice.into());
    }
    let at = args.at.time();
    let policy = args.policy()?;
    let (known, marked) = known(args, input, at)?;
    let mut seen = Seen::new(&known, args.counting());
    for log in &args.access_logs {
        read_log(&mut seen, log, policy.as_ref())?;
    }
    for (labels, tally) in args.series(policy.as_ref(), at)? {
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

/// The requests that policies allow already, and which texts begin with a byte order mark.
fn known(
    args: &Args,
    input: Option<&PathArgs>,
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

fn read_log(seen: &mut Seen<'_>, file: &Path, policy: Option<&PolicyName>) -> Result<(), Failure> {
    let name = name_of(file);
    let length = fs::metadata(file).map_or(0, |metadata| metadata.len());
    let progress = Progress::bytes(length, format!("reading {name}"));
    let log = progress.wrap(input::open(file)?);
    let lines = seen.read_log(log, name.clone(), policy);
    let lines = lines.map_err(|reason| match reason {
        LogError::Read(reason) => Failure::from(cannot_read(file, reason)),
        reason @ LogError::NoAccessLog { .. } => reason.into(),
    })?;
    if lines == 0 {
        report::note(notes::no_lines(&name));
    }
    Ok(())
}

/// Shows why the draft is not written.
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
        DocumentFormat::Json => Ok(args.out.write(json::json(learned, texts, unread)?)?),
        DocumentFormat::Yaml => {
            if let Some(mut text) = texts.joined() {
                if args.input.is_empty() {
                    text = with_modeline_and_header(
                        "learned from traffic. Review it, then edit it freely",
                        &text,
                    );
                }
                // Elsewhere in a text, the mark would be an error.
                if texts.only_source().is_some_and(|it| marked.contains(&it)) {
                    text.insert_str(0, BYTE_ORDER_MARK);
                }
                args.out.write(text.into_bytes())?;
            }
            report::remarks(human::remarks(learned, unread, new));
            Ok(())
        }
    }
}

impl Args {
    /// The counters of the learning mode, if a Prometheus is named.
    fn series(
        &self,
        policy: Option<&PolicyName>,
        at: Timestamp,
    ) -> Result<Vec<series::Series>, Failure> {
        let asked = network::block_on(async {
            let Some(prometheus) = self.prometheus.connect()? else {
                return Ok(Vec::new());
            };
            let series = series::ask(&prometheus, self.window, policy, at).await?;
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
