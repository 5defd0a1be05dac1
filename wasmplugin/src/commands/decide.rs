//! `peergate decide`.

mod answer;
mod line;
mod question;
mod requests;

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{ArgGroup, ValueHint};
use policy_schema::engine::CompiledPolicy;
use policy_schema::plugin_config::{PluginConfig, PolicyName};
use policy_schema::policy::{Attachment, PolicySet, ServicePolicy};
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::Options;

use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::input::{InputArgs, is_stdin};
use crate::output::{self, Format};
use crate::policies;
use serde_json::{Map, Value};

use answer::Answer;
use question::Question;
use requests::Asked;

/// Ask what a policy decides about a request, and why
///
/// The policy goes the way it goes in a mesh: it is rendered as the filter's configuration, and the filter's engine
/// reads it and decides.
#[derive(Debug, clap::Args)]
#[command(
    group(ArgGroup::new("caller").args(["principal", "anonymous", "requests"]).required(true)),
    after_help = "\
Examples:
  peergate decide -f policies/ --workload shop/cart \\
    --principal spiffe://cluster.local/ns/shop/sa/frontend \\
    --method GET --path /cart
  peergate decide -f policy.yaml --anonymous --method GET --path /cart
  peergate decide -f policies/ --requests requests.ndjson > answers.ndjson

A file of requests has one JSON object to a line, with the fields principal
(or \"anonymous\": true), method and path, and if need be host, port, sourceIp,
remoteIp, destinationIp, serverName, headers (a text or a list of texts each),
claims, metadata (an object for each filter that left some), at and workload.
Each is answered by one JSON object on one line.

What a request does not have, such as a host, matches no rule that asks for it.
A policy in shadow lets every request pass: the answer says what it would
decide, and the exit code is 0.

Exit codes: 0 the request passes; 1 a file could not be read; 2 the request, or
one of the file's, is denied; 3 the policies, a request or the arguments are
invalid."
)]
pub(crate) struct Args {
    #[command(flatten)]
    input: InputArgs,
    /// The policy to ask [default: the only one]
    #[arg(long, value_name = "NAMESPACE/NAME", value_parser = policies::parse_name)]
    workload: Option<PolicyName>,
    /// Who calls: the URI in the caller's certificate, be it a SPIFFE ID or not
    #[arg(long, value_name = "SPIFFE-ID")]
    principal: Option<String>,
    /// Who calls: somebody without a certificate
    #[arg(long)]
    anonymous: bool,
    /// The request's method
    #[arg(long, required_unless_present = "requests")]
    method: Option<String>,
    /// The request's path, as the proxy has normalised it. What follows a `?` does not count
    #[arg(long, required_unless_present = "requests")]
    path: Option<String>,
    /// The request's authority, with its port if it has one
    #[arg(long)]
    host: Option<String>,
    /// The port of the workload that the request arrives at
    #[arg(long, value_name = "NUMBER")]
    port: Option<u16>,
    /// The address that the connection comes from
    #[arg(long, value_name = "ADDRESS")]
    source_ip: Option<IpAddr>,
    /// The client's address, where one was forwarded [default: that of --source-ip]
    #[arg(long, value_name = "ADDRESS")]
    remote_ip: Option<IpAddr>,
    /// The address of the workload that the request arrives at
    #[arg(long, value_name = "ADDRESS")]
    destination_ip: Option<IpAddr>,
    /// The server name that the client asked for in the TLS handshake
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
    /// A header of the request; repeatable
    #[arg(long = "header", value_name = "NAME=VALUE", value_parser = question::parse_header)]
    headers: Vec<(String, String)>,
    /// The claims of the request's JWT, as a JSON object
    #[arg(long, value_name = "JSON", value_parser = question::parse_claims)]
    claims: Option<Map<String, Value>>,
    /// A label of the workload beyond those that the policy selects; repeatable. It tells which
    /// other policies are for the workload
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = question::parse_label)]
    labels: Vec<(String, String)>,
    /// When the request is made [default: now]. Policies with rules expired by then are invalid
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    at: Option<Timestamp>,
    /// Ask about every line of a file, or of stdin for `-`
    #[arg(
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        conflicts_with_all = [
            "method",
            "path",
            "host",
            "port",
            "source_ip",
            "remote_ip",
            "destination_ip",
            "server_name",
            "headers",
            "claims",
            "labels",
            "output",
        ]
    )]
    requests: Option<PathBuf>,
    /// `human`: a few lines; `json`: one object
    #[arg(
        long,
        value_name = "FORM",
        value_enum,
        default_value_t,
        hide_possible_values = true
    )]
    output: Format,
}

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    if args.requests.as_deref().is_some_and(is_stdin) && args.input.uses_stdin() {
        return Err(Failure::StdinTwice);
    }
    let at = policies::at_or_now(args.at);
    let options = Options {
        at,
        istio_version: None,
    };
    let set = policies::load(&args.input, options)?;
    if let Some(requests) = &args.requests {
        return Asked::new(&set, args.workload.as_ref(), at)?.answer_all(requests);
    }
    let policy = match &args.workload {
        Some(name) => policies::named(&set, name)?,
        None => policies::only(set.policies())?,
    };
    let policy = compile(&set, policy, &args.labels)?;
    let headers = args.headers.iter();
    let question = Question {
        principal: args.principal.as_deref(),
        method: args.method.as_deref(),
        path: args.path.as_deref(),
        host: args.host.as_deref(),
        port: args.port,
        source_ip: args.source_ip,
        remote_ip: args.remote_ip,
        destination_ip: args.destination_ip,
        server_name: args.server_name.as_deref(),
        headers: headers
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .collect(),
        metadata: question::metadata(args.claims.clone(), None),
        at,
    };
    let request = question.request();
    let answer = Answer::new(&policy, &request);
    let text = match args.output {
        Format::Human => answer.to_string().into_bytes(),
        Format::Json => output::json(&answer)?,
    };
    output::write_stdout(&text)?;
    Ok(answer.status())
}

/// The policy as the filter gets it, on a workload with the labels that the policy selects and
/// these.
pub(super) fn compile(
    set: &PolicySet,
    policy: &ServicePolicy,
    labels: &[(String, String)],
) -> Result<CompiledPolicy, Failure> {
    let config = serde_json::to_vec(&PluginConfig::of_policy(set, policy))?;
    let selected = match policy.attachment() {
        Attachment::Workload(labels) | Attachment::Mesh(labels) => Some(labels),
        Attachment::Namespace | Attachment::Targets(_) => None,
    };
    let label = |key: &str| {
        let given = labels.iter().find(|(name, _)| name == key);
        given
            .map(|(_, value)| value.clone())
            .or_else(|| selected?.get(key).cloned())
    };
    CompiledPolicy::for_workload(&config, label).map_err(|reason| Failure::Config {
        name: policy.name().clone(),
        reason,
    })
}
