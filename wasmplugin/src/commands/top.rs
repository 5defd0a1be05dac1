//! `peergate top`.

use std::io::{self, IsTerminal};
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
use policy_schema::telemetry::metric;
use policy_schema::time_span;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::Options;
use thiserror::Error;

use crate::format::ReportFormat;
use crate::input::PathArgs;
use crate::policy_args::PolicyArgs;
use crate::prometheus_args::PrometheusArgs;
use crate::top::terminal;
use crate::{output, policies, report};

/// Watch decisions live: who calls what, allowed, denied, and in shadow
///
/// With policy documents, the view also shows who each rule is for, its owner, and proxies that run an old revision.
#[derive(Debug, clap::Args)]
#[command(
    group(ArgGroup::new("source").args(["url", "proxy"]).required(true)),
    after_help = "\
Examples:
  kubectl port-forward -n shop deploy/cart 15000 & peergate top --proxy http://localhost:15000
  peergate top policies/ --prometheus http://localhost:9090
  peergate top --prometheus http://localhost:9090 --policy shop/cart --sort denied --once
  peergate top --prometheus http://localhost:9090 -o json | jq '.rules[].denied'

Press ? for the keys. Callers are counted if the Mesh sets `spec.filter.reporting.learning: {}`."
)]
pub(crate) struct Args {
    #[command(flatten)]
    prometheus: PrometheusArgs,
    /// Read the counters of one proxy from its admin endpoint
    #[arg(long, value_name = "http://HOST:PORT", value_parser = parse_proxy)]
    proxy: Option<String>,
    #[command(flatten)]
    input: PathArgs,
    #[command(flatten)]
    policy: PolicyArgs,
    /// Refresh interval
    #[arg(long, value_name = "SPAN", default_value = "2s", value_parser = parse_interval)]
    interval: Duration,
    /// With `--prometheus`: window of the rates, at least four scrape intervals
    #[arg(long, value_name = "SPAN", default_value = "2m", value_parser = parse_interval)]
    rate_window: Duration,
    /// Sort order
    #[arg(long, value_name = "ORDER", value_enum, default_value_t)]
    sort: Sort,
    /// Print one table and exit; with `--proxy`, rates cover one interval
    #[arg(long)]
    once: bool,
    /// Output format; `json` prints one snapshot
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t)]
    output: ReportFormat,
}

/// Sort order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Sort {
    /// Policy and rule, or caller
    #[default]
    Name,
    /// Most denied first
    Denied,
    /// Most shadow decisions first
    Shadow,
    /// Most allowed first
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

/// The terminal cannot show the view.
#[derive(Debug, Error)]
#[error("cannot use the terminal: {0}")]
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
        interval if interval > Duration::from_hours(24) => Err("the maximum is one day".to_owned()),
        interval if interval >= Duration::from_millis(100) => Ok(interval),
        _ => Err("the minimum is 100ms".to_owned()),
    }
}

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let documents = documents(args)?;
    let source = source(args)?;
    let mut earlier = network::block_on(source.read(now()))??;
    let selection = args.policy.selection()?;
    source.check(&earlier, documents.as_ref(), &selection)?;
    if earlier.policies().is_empty() {
        report::note(format!(
            "{} has no metric `{}`: check that the proxies run the filter and that Prometheus scrapes them",
            source.name(),
            metric::DECISIONS.name
        ));
    }
    let order = Order::from(args.sort);
    let name = source.name();
    let snapshot =
        move |reading: &Reading| Snapshot::new(reading, &name, documents.as_ref(), &selection);
    if args.once || args.output == ReportFormat::Json || !io::stdout().is_terminal() {
        if source.needs_earlier() {
            std::thread::sleep(args.interval);
            earlier = network::block_on(source.read_after(&earlier, now()))??;
        }
        let seen = snapshot(&earlier);
        let text = match args.output {
            ReportFormat::Table => plain::text(&seen, order).into_bytes(),
            ReportFormat::Json => json::json(&earlier, &seen, &source.name(), order)?,
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
    if args.input.is_empty() {
        return Ok(None);
    }
    let options = Options {
        at: policies::at_or_now(None),
        istio_version: None,
    };
    let set = policies::load(&args.input, options)?;
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
