//! `peergate promote`.

mod error;
mod write;

use std::time::Duration;

use peergate_fault::{ExitStatus, Failure};
use peergate_insight::policy_lookup;
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
use policy_schema::plugin_config::PolicyName;
use policy_schema::policy::PolicySet;
use policy_schema::time_span;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::Options;

use crate::input::InputArgs;
use crate::output::{self, Format};
use crate::policies;
use crate::policy_file::PolicyFileError;
use crate::prometheus_args::PrometheusArgs;

/// Say whether what is in shadow can be enforced, by what Prometheus counted, and enforce it
///
/// For each rule and each policy in shadow: how many requests its policy decided about, how many of them it would have
/// denied and whose they were, and how large a share of all requests can break at most.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kubectl port-forward -n monitoring svc/prometheus 9090 &
  peergate promote -f policies/ --prometheus http://localhost:9090
  peergate promote -f policies/ --prometheus http://localhost:9090 --workload shop/cart --window 14d
  peergate promote -f policies/ --prometheus http://localhost:9090 --max-breakage 0.01% --write

With `--write`, `enforcement: Shadow` is removed from what is ready, and nothing else of the files changes.
docs/promote.md says what is counted, what the bound means, and what counters cannot tell.

Exit codes: 0 all that was asked for is ready; 1 Prometheus or a file failed; 2 something is not
ready; 3 the policies or the arguments are invalid, or a file cannot be changed safely.")]
pub(crate) struct Args {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    prometheus: PrometheusArgs,
    /// How far to look back, such as `12h` or `7d`
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = parse_window)]
    window: Duration,
    /// The policy to judge, with those that can only be enforced together with it [default: all]
    #[arg(long, value_name = "NAMESPACE/NAME")]
    workload: Option<PolicyName>,
    /// The rule to judge; repeatable [default: all, and the policies themselves]
    #[arg(long = "rule", value_name = "ID")]
    rules: Vec<String>,
    /// The largest share of requests that may break
    #[arg(long, value_name = "SHARE", default_value = "0.1%", value_parser = Share::parse)]
    max_breakage: Share,
    /// How sure to be of that
    #[arg(long, value_name = "SHARE", default_value = "95%", value_parser = Confidence::parse)]
    confidence: Confidence,
    /// Judge policies with `tcpPorts` by their HTTP requests alone: nothing counts connections without HTTP
    #[arg(long)]
    ignore_tcp_ports: bool,
    /// Look back from this moment [default: now]
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    at: Option<Timestamp>,
    /// Enforce what is ready: change the policy files in place
    #[arg(long)]
    write: bool,
    /// `human`: a few lines each; `json`: an object
    #[arg(
        long,
        value_name = "FORM",
        value_enum,
        default_value_t,
        hide_possible_values = true
    )]
    output: Format,
}

/// No Prometheus has kept samples for longer.
const LONGEST_WINDOW: Duration = Duration::from_secs(1_000_000_000);

/// Reads a stretch of time.
pub(super) fn parse_window(text: &str) -> Result<Duration, String> {
    match time_span::parse(text)? {
        window if window > LONGEST_WINDOW => Err("30 years are the most".to_owned()),
        window if window >= Duration::from_secs(1) => Ok(window),
        _ => Err("a second is the least".to_owned()),
    }
}

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    if args.write && args.input.uses_stdin() {
        return Err(PolicyFileError::Stdin.into());
    }
    let at = policies::at_or_now(args.at);
    let options = Options {
        at,
        istio_version: None,
    };
    let (input, set) = policies::load_with_texts(&args.input, options)?;
    let candidates = wanted(args, &set)?;
    let window = Window::before(at, args.window);
    let standard = Standard {
        max_denied: args.max_breakage,
        confidence: args.confidence,
        ignores_tcp: args.ignore_tcp_ports,
    };
    let judged = network::block_on(ask(args, candidates, window, standard))??;
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
        Format::Human => human::text(&report).into_bytes(),
        Format::Json => json::json(&report)?,
    };
    output::write_stdout(&text)?;
    Ok(if is_all_ready {
        ExitStatus::Success
    } else {
        ExitStatus::Negative
    })
}

/// What is in shadow and was asked for.
fn wanted(args: &Args, set: &PolicySet) -> Result<Vec<Candidate>, Failure> {
    if let Some(name) = &args.workload {
        policy_lookup::named(set, name)?;
    }
    Ok(Candidate::wanted(set, args.workload.as_ref(), &args.rules)?)
}

/// Asks the Prometheus that is named.
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
