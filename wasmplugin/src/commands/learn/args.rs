//! The arguments of `peergate learn`.

use std::path::PathBuf;

use clap::{ArgGroup, ValueHint};
use peergate_insight::learning::document::NewPolicy;
use peergate_insight::learning::hand_template::HandTemplate;
use peergate_insight::learning::proposal::Thresholds;
use peergate_insight::learning::series::Window;
use peergate_insight::learning::workload::Counting;
use policy_schema::document::ServicePortSpec;
use policy_schema::identity::is_trust_domain;
use policy_schema::plugin_config::PolicyName;
use policy_schema::timestamp::Timestamp;

use crate::label::parse_label;
use crate::output::Format;
use crate::prometheus_args::PrometheusArgs;

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
hand. What was seen rarely is reported and not learned, and so are callers without identity. Queries are never read.

A new policy and a rule that is added to a policy are in shadow, so that they can be
watched first. A policy in shadow lets every request pass.

Exit codes: 0 there are proposals; 1 a file or Prometheus could not be read; 2 there is nothing to
propose, and no policy is written; 3 the logs, the policies or the arguments are invalid."
)]
pub(crate) struct Args {
    /// An access log of a workload's proxy, or `-` for stdin; repeatable
    #[arg(long = "access-log", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) access_logs: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) prometheus: PrometheusArgs,
    /// With `--prometheus`: how far to look back
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = Window::parse)]
    pub(super) window: Window,
    /// The policy of the workload: for lines that do not name one, and of counters the only one
    #[arg(long, value_name = "NAMESPACE/NAME")]
    pub(super) workload: Option<PolicyName>,
    /// A policy file, a folder with such files, or `-` for stdin; repeatable
    ///
    /// What these policies allow is known and not proposed again.
    #[arg(short = 'f', long = "file", value_name = "PATH")]
    pub(super) files: Vec<PathBuf>,
    /// The mesh's trust domain, where there are no policies that say it
    #[arg(long, value_name = "NAME", value_parser = parse_trust_domain)]
    pub(super) trust_domain: Option<String>,
    /// A label of the pods that a new policy selects; repeatable [default: app=NAME]
    #[arg(long = "selector", value_name = "NAME=VALUE", value_parser = parse_label)]
    pub(super) selector: Vec<(String, String)>,
    /// A port of the service of a new policy, and the workload's own if that is another; repeatable.
    /// Needed where workloads reach only what is declared
    #[arg(long = "service-port", value_name = "PORT[:TARGET]", value_parser = parse_service_port)]
    pub(super) service_ports: Vec<ServicePortSpec>,
    /// The port of the workload at which the requests arrived, for policies that ask for it
    #[arg(long, value_name = "NUMBER")]
    pub(super) port: Option<u16>,
    #[command(flatten)]
    pub(super) counting: CountingArgs,
    #[command(flatten)]
    pub(super) evidence: EvidenceArgs,
    /// Write rules that are enforced, and none in shadow
    #[arg(long)]
    pub(super) enforce: bool,
    /// The time at which rules of the policies count as expired, and the window ends [default: now]
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    pub(super) at: Option<Timestamp>,
    /// `human`: policies, and a report on stderr; `json`: one object with both
    #[arg(
        long,
        value_name = "FORM",
        value_enum,
        default_value_t,
        hide_possible_values = true
    )]
    pub(super) output: Format,
    /// The file to write to, or `-` for stdout
    #[arg(short = 'o', long = "out", value_name = "FILE", default_value = "-")]
    pub(super) out: PathBuf,
}

impl Args {
    /// What a new policy is like.
    pub(super) fn new_policy(&self) -> NewPolicy {
        NewPolicy {
            selector: self.selector.clone(),
            service_ports: self.service_ports.clone(),
            is_enforced: self.enforce,
        }
    }

    /// Which requests are learned from.
    pub(super) fn counting(&self) -> Counting {
        Counting {
            status_below: self.counting.status_below,
            takes_denied: self.counting.include_denied,
            takes_anonymous: self.counting.include_anonymous,
        }
    }

    /// How much must be seen.
    pub(super) fn evidence(&self) -> Thresholds {
        Thresholds {
            least_count: self.evidence.min_count,
            least_span: self.evidence.min_span,
            min_ids: usize::from(self.evidence.min_ids),
            takes_rare: self.evidence.include_rare,
        }
    }
}

/// Which requests are learned from.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct CountingArgs {
    /// Requests count that were answered with a lower status
    #[arg(long, value_name = "STATUS", default_value_t = 400)]
    pub(super) status_below: u16,
    /// Requests count that the filter or RBAC denied
    #[arg(long)]
    pub(super) include_denied: bool,
    /// Callers without identity may be allowed
    #[arg(long)]
    pub(super) include_anonymous: bool,
}

/// How much must be seen before it is learned.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct EvidenceArgs {
    /// What was seen less often is rare
    #[arg(long, value_name = "NUMBER", default_value_t = 3)]
    pub(super) min_count: u64,
    /// What was seen only in a shorter part of the period is rare
    #[arg(long, value_name = "PERCENT", default_value_t = 5, value_parser = clap::value_parser!(u8).range(..=100))]
    pub(super) min_span: u8,
    /// As many distinct ids at one place of a path become `{*}`
    #[arg(long, value_name = "NUMBER", default_value_t = 5, value_parser = clap::value_parser!(u16).range(2..))]
    pub(super) min_ids: u16,
    /// Learn what is rare too
    #[arg(long)]
    pub(super) include_rare: bool,
    /// Learn this path template for each caller and method that called a path in it, without evidence for its ids;
    /// repeatable
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
