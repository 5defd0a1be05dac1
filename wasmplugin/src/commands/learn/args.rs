//! The arguments of `peergate learn`.

use std::path::PathBuf;

use clap::{ArgGroup, ValueHint};
use clap_complete::engine::ArgValueCompleter;
use peergate_fault::Failure;
use peergate_insight::learning::document::NewPolicy;
use peergate_insight::learning::hand_template::HandTemplate;
use peergate_insight::learning::proposal::Thresholds;
use peergate_insight::learning::series::Window;
use peergate_insight::learning::workload::Counting;
use policy_schema::document::ServicePortSpec;
use policy_schema::identity::is_trust_domain;
use policy_schema::plugin_config::PolicyName;

use crate::complete;
use crate::format::DocumentFormat;
use crate::input::PathArgs;
use crate::label::parse_label;
use crate::out_args::OutFileArgs;
use crate::policy_args::PolicyArgs;
use crate::prometheus_args::PrometheusArgs;
use crate::time_args::AtArgs;

/// Propose rules for observed traffic
///
/// Reads access logs of workloads' proxies, or the counters of the filter's learning mode. Writes a ServicePolicy for
/// each workload: callers, methods and paths. Only requests that were let through and answered without an error count,
/// unless options say otherwise. Requests that the given policies already allow are not proposed again.
#[derive(Debug, clap::Args)]
#[command(
    group(ArgGroup::new("source").args(["access_logs", "url"]).required(true).multiple(true)),
    group(ArgGroup::new("mesh").args(["paths", "files", "trust_domain"]).required(true).multiple(true)),
    after_help = "\
Examples:
  kubectl logs -n shop deploy/cart -c istio-proxy | grep '^{' |
    peergate learn --access-log - --policy shop/cart --trust-domain cluster.local
  peergate learn policies/ --access-log cart.log --out cart.yaml
  peergate learn policies/ --access-log cart.log -o json
  peergate learn policies/ --access-log cart.log --template '/v1/orders/{*}'
  peergate learn policies/ --prometheus http://localhost:9090 --window 7d

Access logs have one JSON object per line; the page `learn` of the documentation lists the fields.
Istio's default formats do not name the caller, so their lines are only counted. Other lines are
counted and reported. A file with only other lines is an error; an empty file is noted.

IDs in paths become `{*}` if there is evidence: enough distinct IDs of one caller in otherwise equal
paths, and no word in their place that was called often. `--template` sets a template by hand. Rare
requests and callers without identity are reported and not learned. Queries are never read.

New policies and rules are in shadow, so that you can watch them first. A policy in shadow lets
every request pass.

Exit status: 2 if there is nothing to propose; no policy is written then."
)]
pub(crate) struct Args {
    /// Access log of a workload's proxy, or `-` for stdin; repeatable
    #[arg(long = "access-log", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) access_logs: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) prometheus: PrometheusArgs,
    /// With `--prometheus`: how far to look back
    #[arg(long, value_name = "SPAN", default_value = "7d", value_parser = Window::parse)]
    pub(super) window: Window,
    #[command(flatten)]
    pub(super) input: PathArgs,
    /// NAMESPACE/NAME, or NAME with `--namespace`: the policy of log lines that do not name one, and the only one with
    /// `--prometheus`
    #[arg(long, value_name = "NAMESPACE/NAME", add = ArgValueCompleter::new(complete::policies))]
    policy: Option<String>,
    /// Namespace of `--policy NAME`
    #[arg(short, long, value_name = "NAMESPACE", requires = "policy")]
    namespace: Option<String>,
    /// Trust domain of the mesh, if no policies are given
    #[arg(
        long,
        value_name = "NAME",
        value_parser = parse_trust_domain,
        conflicts_with_all = ["paths", "files"]
    )]
    pub(super) trust_domain: Option<String>,
    /// Label of the pods that a new policy selects; repeatable [default: app=NAME]
    #[arg(long = "selector", value_name = "NAME=VALUE", value_parser = parse_label)]
    pub(super) selector: Vec<(String, String)>,
    /// Port of a new policy's service, with the workload's port if it differs; repeatable
    ///
    /// Needed if workloads reach only declared services.
    #[arg(long = "service-port", value_name = "PORT[:TARGET]", value_parser = parse_service_port)]
    pub(super) service_ports: Vec<ServicePortSpec>,
    /// Port of the workload that the requests arrived at, for policies with conditions on it
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) port: Option<u16>,
    #[command(flatten)]
    pub(super) counting: CountingArgs,
    #[command(flatten)]
    pub(super) evidence: EvidenceArgs,
    /// Write enforced policies and rules instead of shadow ones
    #[arg(long)]
    pub(super) enforce: bool,
    #[command(flatten)]
    pub(super) at: AtArgs,
    /// Output format; with `yaml`, a report goes to stderr
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t)]
    pub(super) output: DocumentFormat,
    #[command(flatten)]
    pub(super) out: OutFileArgs,
}

impl Args {
    /// The policy of lines that do not name one.
    pub(super) fn policy(&self) -> Result<Option<PolicyName>, Failure> {
        PolicyArgs::new(self.policy.clone(), self.namespace.clone()).one()
    }

    /// The properties of new policies.
    pub(super) fn new_policy(&self) -> NewPolicy {
        NewPolicy {
            selector: self.selector.clone(),
            service_ports: self.service_ports.clone(),
            is_enforced: self.enforce,
        }
    }

    /// Which requests count.
    pub(super) fn counting(&self) -> Counting {
        Counting {
            status_below: self.counting.status_below,
            takes_denied: self.counting.include_denied,
            takes_anonymous: self.counting.include_anonymous,
        }
    }

    /// How much evidence a rule needs.
    pub(super) fn evidence(&self) -> Thresholds {
        Thresholds {
            least_count: self.evidence.min_count,
            least_span: self.evidence.min_span,
            min_ids: usize::from(self.evidence.min_ids),
            takes_rare: self.evidence.include_rare,
        }
    }
}

/// Which requests count.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct CountingArgs {
    /// Only learn from requests whose response status is below STATUS
    #[arg(long, value_name = "STATUS", default_value_t = 400)]
    pub(super) status_below: u16,
    /// Also learn from requests that the filter or RBAC denied
    #[arg(long)]
    pub(super) include_denied: bool,
    /// Also learn from callers without identity
    #[arg(long)]
    pub(super) include_anonymous: bool,
}

/// How much evidence a rule needs.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct EvidenceArgs {
    /// Treat requests seen less than NUMBER times as rare
    #[arg(long, value_name = "NUMBER", default_value_t = 3)]
    pub(super) min_count: u64,
    /// Treat requests seen in less than PERCENT of the period as rare
    #[arg(long, value_name = "PERCENT", default_value_t = 5, value_parser = clap::value_parser!(u8).range(..=100))]
    pub(super) min_span: u8,
    /// Distinct IDs at one place of a path that make it `{*}`
    #[arg(long, value_name = "NUMBER", default_value_t = 5, value_parser = clap::value_parser!(u16).range(2..))]
    pub(super) min_ids: u16,
    /// Also learn from rare requests
    #[arg(long)]
    pub(super) include_rare: bool,
    /// Path template to learn without further evidence, for each caller and method seen with such a path; repeatable
    #[arg(long = "template", value_name = "PATH", value_parser = HandTemplate::parse)]
    pub(super) templates: Vec<HandTemplate>,
}

fn parse_service_port(text: &str) -> Result<ServicePortSpec, &'static str> {
    let port = |text: &str| {
        let port = text.parse().ok().filter(|port: &u16| *port > 0);
        port.ok_or("use a port from 1 to 65535, or two of them as `80:8080`")
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
