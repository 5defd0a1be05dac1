//! `peergate learn`.

mod document;
mod error;
mod human;
mod json;
mod known;
mod seen;
mod series;

use std::path::PathBuf;

use clap::{ArgGroup, ValueHint};
use policy_schema::document::ServicePortSpec;
use policy_schema::identity::is_trust_domain;
use policy_schema::plugin_config::PolicyName;
use policy_schema::timestamp::Timestamp;

use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::input::InputError;
use crate::input::{InputArgs, is_stdin};
use crate::learning::counters::OBSERVED;
use crate::learning::path_folding::HandTemplate;
use crate::learning::proposal::{Evidence, Proposals, ProposedCall};
use crate::learning::workload::{Call, Counting, Workload};
use crate::output::{self, Format};
use crate::policies::PoliciesError;
use crate::prometheus::PrometheusArgs;
use crate::{network, policies, report};

use document::{Document, Texts};
use known::Known;
use seen::{Seen, Unread};
use series::Window;

/// Propose rules that allow what was seen, and no more
///
/// Reads access logs of the workloads' proxies, or the counters of the filter's learning mode, and writes a ServicePolicy for each workload: who called it, with which
/// methods, on which paths. Requests count that were let through and answered without an error; denied ones never do
/// unless that is asked for. With policies, only what they do not allow yet is proposed, as rules in shadow.
#[derive(Debug, clap::Args)]
#[command(
    group(ArgGroup::new("source").args(["access_logs", "url"]).required(true).multiple(true)),
    group(ArgGroup::new("mesh").args(["files", "trust_domain"]).required(true)),
    after_help = "\
Examples:
  kubectl logs -n shop deploy/cart -c istio-proxy | grep '^{' |
    peergate learn --access-log - --workload shop/cart --trust-domain cluster.local
  peergate learn -f policies/ --access-log cart.log -o cart.yaml
  peergate learn -f policies/ --access-log cart.log --output json
  peergate learn -f policies/ --access-log cart.log --template '/v1/orders/{*}'
  peergate learn -f policies/ --prometheus http://localhost:9090 --window 7d

Access logs are JSON, one object a line; docs/learn.md names the fields. Istio's default formats do not name
the caller, so their lines are only counted. Other lines are counted and reported, and a file
that has no line of an access log is an error.

Ids in paths become `{*}` where there is evidence: enough distinct ids of one caller in
otherwise equal paths, and no word that counts in their place. `--template` names a template by
hand. What was seen rarely is reported and not learnt, and so are callers without identity. Queries are never read.

A new policy and a rule that is added to a policy are in shadow, so that they can be
watched first. A policy in shadow lets every request pass.

Exit codes: 0 there are proposals; 1 a file or Prometheus could not be read; 2 there is nothing to
propose, and no policy is written; 3 the logs, the policies or the arguments are invalid."
)]
pub(crate) struct Args {
    /// An access log of a workload's proxy, or `-` for stdin; repeatable
    #[arg(long = "access-log", value_name = "FILE", value_hint = ValueHint::FilePath)]
    access_logs: Vec<PathBuf>,
    #[command(flatten)]
    prometheus: PrometheusArgs,
    /// With `--prometheus`: how far to look back
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = Window::parse)]
    window: Window,
    /// The policy of the workload: for lines that do not name one, and of counters the only one
    #[arg(long, value_name = "NAMESPACE/NAME", value_parser = policies::parse_name)]
    workload: Option<PolicyName>,
    /// A policy file, a folder with such files, or `-` for stdin; repeatable
    ///
    /// What these policies allow is known and not proposed again.
    #[arg(short = 'f', long = "file", value_name = "PATH")]
    files: Vec<PathBuf>,
    /// The mesh's trust domain, where there are no policies that say it
    #[arg(long, value_name = "NAME", value_parser = parse_trust_domain)]
    trust_domain: Option<String>,
    /// A label of the pods that a new policy selects; repeatable [default: app=NAME]
    #[arg(long = "selector", value_name = "NAME=VALUE", value_parser = parse_label)]
    selector: Vec<(String, String)>,
    /// A port of the service of a new policy, and the workload's own if that is another; repeatable.
    /// Needed where workloads reach only what is declared
    #[arg(long = "service-port", value_name = "PORT[:TARGET]", value_parser = parse_service_port)]
    service_ports: Vec<ServicePortSpec>,
    /// The port of the workload at which the requests arrived, for policies that ask for it
    #[arg(long, value_name = "NUMBER")]
    port: Option<u16>,
    #[command(flatten)]
    counting: CountingArgs,
    #[command(flatten)]
    evidence: EvidenceArgs,
    /// Write rules that are enforced, and none in shadow
    #[arg(long)]
    enforce: bool,
    /// The time at which rules of the policies count as expired, and the window ends [default: now]
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    at: Option<Timestamp>,
    /// `human`: policies, and a report on stderr; `json`: one object with both
    #[arg(
        long,
        value_name = "FORM",
        value_enum,
        default_value_t,
        hide_possible_values = true
    )]
    output: Format,
    /// The file to write to, or `-` for stdout
    #[arg(short = 'o', long = "out", value_name = "FILE", default_value = "-")]
    out: PathBuf,
}

/// Which requests are learnt from.
#[derive(Debug, clap::Args)]
#[group(skip)]
struct CountingArgs {
    /// Requests count that were answered with a lower status
    #[arg(long, value_name = "STATUS", default_value_t = 400)]
    status_below: u16,
    /// Requests count that the filter or RBAC denied
    #[arg(long)]
    include_denied: bool,
    /// Callers without identity may be allowed
    #[arg(long)]
    include_anonymous: bool,
}

/// How much must be seen before it is learnt.
#[derive(Debug, clap::Args)]
#[group(skip)]
struct EvidenceArgs {
    /// What was seen less often is rare
    #[arg(long, value_name = "NUMBER", default_value_t = 3)]
    min_count: u64,
    /// What was seen only in a shorter part of the period is rare
    #[arg(long, value_name = "PERCENT", default_value_t = 5, value_parser = clap::value_parser!(u8).range(..=100))]
    min_span: u8,
    /// As many distinct ids at one place of a path become `{*}`
    #[arg(long, value_name = "NUMBER", default_value_t = 5, value_parser = clap::value_parser!(u16).range(2..))]
    min_ids: u16,
    /// Learn what is rare too
    #[arg(long)]
    include_rare: bool,
    /// Learn this path template for each caller and method that called a path in it, without evidence for its ids;
    /// repeatable
    #[arg(long = "template", value_name = "PATH", value_parser = HandTemplate::parse)]
    templates: Vec<HandTemplate>,
}

/// What was seen of a workload, and what is proposed for it.
#[derive(Debug)]
struct Learnt {
    policy: PolicyName,
    workload: Workload,
    proposals: Proposals,
    /// None where there is nothing to propose.
    document: Option<Document>,
}

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

impl Learnt {
    /// Counts what the draft allows, as the engine decides. Rules that are left to people are in no draft.
    fn count_coverage(&mut self, draft: &Known) {
        if self.document.as_ref().and_then(Document::by_hand).is_none() {
            let is_allowed = |call: &Call| draft.allows(&self.policy, call);
            self.proposals.coverage.covered = self.workload.cover(is_allowed);
        }
    }
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

fn parse_service_port(text: &str) -> Result<ServicePortSpec, &'static str> {
    let port = |text: &str| {
        let port = text.parse().ok().filter(|port: &u16| *port > 0);
        port.ok_or("write a port from 1 to 65535, or two of them as `80:8080`")
    };
    let (own, target) = match text.split_once(':') {
        Some((own, target)) => (own, Some(port(target)?)),
        None => (text, None),
    };
    Ok(ServicePortSpec {
        port: port(own)?,
        target_port: target,
    })
}

fn parse_trust_domain(text: &str) -> Result<String, &'static str> {
    if is_trust_domain(text) {
        Ok(text.to_owned())
    } else {
        Err("use 1 to 255 lower-case letters, digits, `.`, `-` and `_`, such as `cluster.local`")
    }
}

fn parse_label(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text
        .split_once('=')
        .ok_or("write the name and the value as `NAME=VALUE`")?;
    Ok((name.to_owned(), value.to_owned()))
}
