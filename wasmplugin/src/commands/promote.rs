//! `peergate promote`.

mod error;
mod write;

use std::time::Duration;

use clap::ArgGroup;
use clap_complete::engine::ArgValueCompleter;
use peergate_fault::{ExitStatus, Failure};
use peergate_insight::prometheus::PrometheusError;
use peergate_insight::promotion::Window;
use peergate_insight::promotion::bound::{Confidence, Share};
use peergate_insight::promotion::candidate::Candidate;
use peergate_insight::promotion::judged::{Judged, judge_all};
use peergate_insight::promotion::verdict::Standard;
use peergate_mesh::network;
use peergate_mesh::series::NoLabels;
use peergate_report::promotion::report::Report;
use peergate_report::promotion::{human, json};
use policy_schema::policy::PolicySet;
use policy_schema::validate::Options;

use crate::format::ReportFormat;
use crate::input::InputArgs;
use crate::policy_args::PolicyArgs;
use crate::policy_file::PolicyFileError;
use crate::progress::Progress;
use crate::prometheus_args::PrometheusArgs;
use crate::time_args::{AtArgs, parse_window};
use crate::{complete, output, policies};

/// Check whether policies and rules in shadow are safe to enforce, and enforce them
///
/// Uses the counters in Prometheus. For each rule and policy in shadow: how many requests the policy decided, how many
/// of them it would have denied and whose they were, and an upper bound on the share of requests that could break.
#[derive(Debug, clap::Args)]
#[command(
    group(ArgGroup::new("source").args(["url"]).required(true)),
    after_help = "\
Examples:
  kubectl port-forward -n monitoring svc/prometheus 9090 &
  peergate promote policies/ --prometheus http://localhost:9090
  peergate promote policies/ --prometheus http://localhost:9090 --policy shop/cart --window 14d
  peergate promote policies/ --prometheus http://localhost:9090 --max-breakage 0.01% --write

With `--write`, `enforcement: Shadow` is removed from what is ready. Nothing else in the files
changes. The page `promote` of the documentation explains the counters, the bound, and what
counters cannot show.

Exit status: 2 if something is not ready."
)]
pub(crate) struct Args {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    prometheus: PrometheusArgs,
    /// How far to look back
    #[arg(long, value_name = "SPAN", default_value = "7d", value_parser = parse_window)]
    window: Duration,
    #[command(flatten)]
    policy: PolicyArgs,
    /// Only the rule ID; repeatable [default: all rules, and the policies themselves]
    #[arg(long = "rule", value_name = "ID", add = ArgValueCompleter::new(complete::rules))]
    rules: Vec<String>,
    /// Largest share of requests that may break: a percentage, or a fraction such as `0.001`
    #[arg(long, value_name = "SHARE", default_value = "0.1%", value_parser = Share::parse)]
    max_breakage: Share,
    /// Confidence that no more than `--max-breakage` break: a percentage, or a fraction
    #[arg(long, value_name = "SHARE", default_value = "95%", value_parser = Confidence::parse)]
    confidence: Confidence,
    /// Judge policies with `tcpPorts` by their HTTP requests only, since other connections are not counted
    #[arg(long)]
    ignore_tcp_ports: bool,
    #[command(flatten)]
    at: AtArgs,
    /// Enforce what is ready, by editing the policy files
    #[arg(long)]
    write: bool,
    /// Output format
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t)]
    output: ReportFormat,
}

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    if args.write && args.input.uses_stdin() {
        return Err(PolicyFileError::Stdin.into());
    }
    let at = args.at.time();
    let options = Options {
        at,
        istio_version: None,
    };
    let (input, set) = policies::load_with_texts(args.input.paths(), options)?;
    let candidates = wanted(args, &set)?;
    let window = Window::before(at, args.window);
    let standard = Standard {
        max_denied: args.max_breakage,
        confidence: args.confidence,
        ignores_tcp: args.ignore_tcp_ports,
    };
    let progress = Progress::spinner("querying Prometheus");
    let judged = network::block_on(ask(args, candidates, window, standard))??;
    drop(progress);
    let ready = judged.iter().filter(|judged| judged.verdict.is_ready());
    let ready: Vec<_> = ready.map(|judged| &judged.candidate).collect();
    let is_all_ready = ready.len() == judged.len();
    let written = if args.write {
        write::enforce(&input, &set, &ready, options)?
    } else {
        Vec::new()
    };
    let report = Report {
        window,
        standard,
        judged,
        written,
    };
    let text = match args.output {
        ReportFormat::Table => human::text(&report).into_bytes(),
        ReportFormat::Json => json::json(&report)?,
    };
    output::write_stdout(&text)?;
    Ok(if is_all_ready {
        ExitStatus::Success
    } else {
        ExitStatus::Negative
    })
}

/// The selected candidates.
fn wanted(args: &Args, set: &PolicySet) -> Result<Vec<Candidate>, Failure> {
    let selection = args.policy.selection()?;
    selection.policies(set)?;
    Ok(Candidate::wanted(set, &selection, &args.rules)?)
}

/// Judges the candidates by the counters of the Prometheus.
async fn ask(
    args: &Args,
    candidates: Vec<Candidate>,
    window: Window,
    standard: Standard,
) -> Result<Vec<Judged>, Failure> {
    let prometheus = args
        .prometheus
        .connect()?
        .ok_or(PrometheusError::NotNamed)?;
    let judged = judge_all(&prometheus, candidates, window, standard).await?;
    let is_seen = judged.iter().any(|judged| judged.evidence.seen.is_ok());
    if !is_seen && !judged.is_empty() && prometheus.has_unlabelled(window.until).await? {
        return Err(NoLabels(prometheus.url().to_string()).into());
    }
    Ok(judged)
}
