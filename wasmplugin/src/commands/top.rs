//! `peergate top`.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::time::Duration;

use clap::ArgGroup;
use peergate_fault::{ExitStatus, Failure, Fault};
use peergate_insight::prometheus::PrometheusError;
use peergate_insight::traffic::documents::Documents;
use peergate_insight::traffic::reading::Reading;
use peergate_insight::traffic::snapshot::Snapshot;
use peergate_insight::traffic::source::Source;
use peergate_mesh::network;
use peergate_report::traffic::order::Order;
use peergate_report::traffic::{json, plain};
use policy_schema::plugin_config::PolicyName;
use policy_schema::telemetry::metric;
use policy_schema::time_span;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::Options;
use thiserror::Error;

use crate::input::InputArgs;
use crate::output::{self, Format};
use crate::prometheus_args::PrometheusArgs;
use crate::top::terminal;
use crate::{policies, report};

/// Watch who calls what, and what is allowed, denied and done in shadow
#[derive(Debug, clap::Args)]
#[command(
    group(ArgGroup::new("source").args(["url", "proxy"]).required(true)),
    after_help = "\
Examples:
  kubectl port-forward -n shop deploy/cart 15000 & peergate top --proxy http://localhost:15000
  peergate top --prometheus http://localhost:9090 -f policies/
  peergate top --prometheus http://localhost:9090 --policy shop/cart --sort denied --once
  peergate top --prometheus http://localhost:9090 -o json | jq '.rules[].denied'

Press ? for the keys. Callers are counted where the `Mesh` has `spec.filter.reporting.learning: {}`.

Exit codes: 0 shown; 1 the proxy or Prometheus failed; 3 the policies or the arguments are invalid, or nobody
knows the policy that is asked for."
)]
pub(crate) struct Args {
    #[command(flatten)]
    prometheus: PrometheusArgs,
    /// A proxy's admin endpoint
    #[arg(long, value_name = "http://HOST:PORT", value_parser = parse_proxy)]
    proxy: Option<String>,
    /// The policies, to tell whom rules are for, whom to ask, and what is stale: a file, a folder, or `-` for stdin; repeatable
    #[arg(short = 'f', long = "file", value_name = "PATH")]
    files: Vec<PathBuf>,
    /// The policy to watch [default: all]
    #[arg(long, value_name = "NAMESPACE/NAME")]
    policy: Option<PolicyName>,
    /// How often to look
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = parse_interval)]
    interval: Duration,
    /// With `--prometheus`: what rates are over, such as four times its scrape interval
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = parse_interval)]
    rate_window: Duration,
    /// What comes first
    #[arg(long, value_name = "ORDER", value_enum, default_value_t)]
    sort: Sort,
    /// Print one table and exit. The rates of a proxy cover one interval
    #[arg(long)]
    once: bool,
    /// `human`, or `json` for one snapshot for scripts
    #[arg(
        short = 'o',
        long,
        value_name = "FORMAT",
        value_enum,
        default_value_t,
        hide_possible_values = true
    )]
    output: Format,
}

/// What comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Sort {
    /// By policy and rule, or by caller
    #[default]
    Name,
    /// What is denied most
    Denied,
    /// What is denied or allowed most in shadow
    Shadow,
    /// What is allowed most
    Allowed,
}

impl From<Sort> for Order {
    fn from(sort: Sort) -> Self {
        match sort {
            Sort::Name => Self::Name,
            Sort::Denied => Self::Denied,
            Sort::Shadow => Self::Shadow,
            Sort::Allowed => Self::Allowed,
        }
    }
}

/// There is no terminal to watch in.
#[derive(Debug, Error)]
#[error("the terminal cannot be used: {0}")]
struct NoTerminal(io::Error);

impl Fault for NoTerminal {
    fn status(&self) -> ExitStatus {
        ExitStatus::Failure
    }

    fn help(&self) -> Option<&str> {
        Some("print one table instead: `--once`")
    }
}

fn parse_proxy(text: &str) -> Result<String, String> {
    let address = text
        .strip_prefix("http://")
        .map(|rest| rest.trim_end_matches('/'));
    match address {
        Some(address) if address.contains(':') && !address.contains('/') => Ok(address.to_owned()),
        _ => Err("write the admin endpoint as `http://HOST:PORT`".to_owned()),
    }
}

fn parse_interval(text: &str) -> Result<Duration, String> {
    match time_span::parse(text)? {
        interval if interval > Duration::from_hours(24) => Err("a day is the most".to_owned()),
        interval if interval >= Duration::from_millis(100) => Ok(interval),
        _ => Err("100ms is the least".to_owned()),
    }
}

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let documents = documents(args)?;
    let source = source(args)?;
    let mut earlier = network::block_on(source.read(now()))??;
    source.check(&earlier, documents.as_ref(), args.policy.as_ref())?;
    if earlier.policies().is_empty() {
        report::note(format!(
            "{} has no `{}`: see whether the proxies run the filter, and whether Prometheus scrapes them",
            source.name(),
            metric::DECISIONS.name
        ));
    }
    let policy = args.policy.clone();
    let order = Order::from(args.sort);
    let name = source.name();
    let snapshot =
        move |reading: &Reading| Snapshot::new(reading, &name, documents.as_ref(), policy.as_ref());
    if args.once || args.output == Format::Json || !io::stdout().is_terminal() {
        if source.needs_earlier() {
            std::thread::sleep(args.interval);
            earlier = network::block_on(source.read_after(&earlier, now()))??;
        }
        let seen = snapshot(&earlier);
        let text = match args.output {
            Format::Human => plain::text(&seen, order).into_bytes(),
            Format::Json => json::json(&earlier, &seen, &source.name(), order)?,
        };
        output::write_stdout(&text)?;
        return Ok(ExitStatus::Success);
    }
    let first = snapshot(&earlier);
    let next = move || {
        let reading = network::block_on(source.read_after(&earlier, now()));
        let reading = reading.map_err(|failure| failure.to_string())?;
        earlier = reading.map_err(|failure| failure.to_string())?;
        Ok(snapshot(&earlier))
    };
    terminal::show(first, order, args.interval, next).map_err(NoTerminal)?;
    Ok(ExitStatus::Success)
}

fn documents(args: &Args) -> Result<Option<Documents>, Failure> {
    let Some(input) = InputArgs::of(&args.files) else {
        return Ok(None);
    };
    let options = Options {
        at: policies::at_or_now(None),
        istio_version: None,
    };
    let set = policies::load(&input, options)?;
    Ok(Some(Documents::new(&set)))
}

fn source(args: &Args) -> Result<Source, Failure> {
    if let Some(address) = &args.proxy {
        return Ok(Source::proxy(address.clone()));
    }
    let prometheus = args.prometheus.connect()?;
    let prometheus = prometheus.ok_or(PrometheusError::NotNamed)?;
    Ok(Source::prometheus(prometheus, args.rate_window))
}

fn now() -> Timestamp {
    policies::at_or_now(None)
}
