//! `peergate learn`.

mod args;
mod document;
mod error;
mod human;
mod json;
mod known;
mod learnt;
mod seen;
mod series;
mod wording;

use peergate_fault::{ExitStatus, Failure};
use peergate_mesh::network;
use policy_schema::timestamp::Timestamp;

use crate::input::{InputArgs, InputError, is_stdin};
use crate::learning::counters::OBSERVED;
use crate::learning::proposal::{Evidence, Proposals, ProposedCall};
use crate::learning::workload::Counting;
use crate::output::{self, Format};
use crate::policies::PoliciesError;
use crate::{policies, report};

pub(crate) use args::Args;

use document::{Document, Texts};
use known::Known;
use learnt::Learnt;
use seen::{Seen, Unread};

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let input = InputArgs::of(&args.files);
    let logs_at_stdin = args.access_logs.iter().filter(|path| is_stdin(path));
    let policies_at_stdin = input.as_ref().is_some_and(InputArgs::uses_stdin);
    if logs_at_stdin.count() + usize::from(policies_at_stdin) > 1 {
        return Err(InputError::StdinTwice.into());
    }
    let at = policies::at_or_now(args.at);
    let known = match (&input, &args.trust_domain) {
        (Some(input), _) => Known::load(input, at, args.port)?,
        (None, domain) => {
            let domain = domain.as_deref().unwrap_or_default();
            Known::nothing(domain, args.counting.include_anonymous, at)?
        }
    };
    let mut seen = Seen::new(&known, args.counting());
    for log in &args.access_logs {
        seen.read_log(log, args.workload.as_ref())?;
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
    let texts = known.texts()?;
    let mut learnt = Vec::with_capacity(workloads.len());
    for (policy, workload) in workloads {
        let proposals = Proposals::of(&workload, args.evidence(), &args.evidence.templates);
        let document = Document::of(&policy, &proposals, &known, &texts, args)?;
        learnt.push(Learnt {
            policy,
            workload,
            proposals,
            document,
        });
    }
    let new = documents(&learnt)
        .filter(|document| document.is_new())
        .count();
    if new > 1 && !args.selector.is_empty() {
        return Err(PoliciesError::Several(new).into());
    }
    let texts = Texts::with(documents(&learnt), &texts, &known)?;
    let draft = texts.check(&known)?;
    for one in &mut learnt {
        one.count_coverage(&draft);
    }
    args.note_unused_templates(&learnt);
    show(&learnt, &texts, &known, &unread, args)?;
    Ok(if documents(&learnt).next().is_some() {
        ExitStatus::Success
    } else {
        ExitStatus::Negative
    })
}

fn documents(learnt: &[Learnt]) -> impl Iterator<Item = &Document> {
    learnt.iter().filter_map(|one| one.document.as_ref())
}

fn show(
    learnt: &[Learnt],
    texts: &Texts,
    known: &Known,
    unread: &Unread,
    args: &Args,
) -> Result<(), Failure> {
    match args.output {
        Format::Json => {
            let report = json::Report::new(learnt, texts, unread);
            output::write(&args.out, output::json(&report)?)?;
            args.say_written();
            Ok(())
        }
        Format::Human => {
            if let Some(text) = texts.joined(known) {
                output::write(&args.out, text.into_bytes())?;
                args.say_written();
            }
            human::report(learnt, unread, args);
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

    /// A template that takes nothing in may be misspelt.
    fn note_unused_templates(&self, learnt: &[Learnt]) {
        let calls = || learnt.iter().flat_map(|one| one.proposals.calls());
        for template in &self.evidence.templates {
            let is_used = |call: &ProposedCall| {
                call.pattern.by_hand.is_some() && call.pattern.text == template.text()
            };
            if !calls().any(is_used) {
                report::note(&format!(
                    "the template `{}` takes in no request that is learned from",
                    template.text()
                ));
            }
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
            if series.is_empty() && !series::is_known(&prometheus, self.window, at).await? {
                report::note(&format!(
                    "{} has no `{OBSERVED}` in the last {}: turn on the learning mode with `spec.filter.reporting.learning: {{}}` in the `Mesh`, render and apply it, and check that Prometheus scrapes the proxies",
                    prometheus.url(),
                    self.window.text(),
                ));
            }
            Ok(series)
        });
        asked?
    }

    fn counting(&self) -> Counting {
        Counting {
            status_below: self.counting.status_below,
            takes_denied: self.counting.include_denied,
            takes_anonymous: self.counting.include_anonymous,
        }
    }

    fn evidence(&self) -> Evidence {
        Evidence {
            least_count: self.evidence.min_count,
            least_span: self.evidence.min_span,
            least_ids: usize::from(self.evidence.min_ids),
            takes_rare: self.evidence.include_rare,
        }
    }
}
