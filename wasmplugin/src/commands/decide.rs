//! `peergate decide`.

mod error;
mod requests;

use std::net::IpAddr;
use std::path::PathBuf;

use clap::ValueHint;
use peergate_fault::{ExitStatus, Failure};
use peergate_insight::decision::caller::{CallerText, RequestCaller};
use peergate_insight::decision::decider::Decider;
use peergate_insight::decision::lines::Lines;
use peergate_insight::decision::question::{self, Question};
use peergate_insight::decision::target::{self, Target};
use peergate_report::decision::{human, json};
use peergate_report::message::counts;
use policy_schema::diagnostic::Diagnostic;
use policy_schema::policy::{Labels, PolicySet};
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::Options;
use serde_json::{Map, Value};

use crate::decision_key::KeyArgs;
use crate::format::ReportFormat;
use crate::input::{InputArgs, InputError, is_stdin};
use crate::label::parse_label;
use crate::policies::InvalidPolicies;
use crate::time_args::AtArgs;
use crate::{output, policies, report};

use error::QuestionError;

/// Decide a request as the proxy would, and explain the decision
///
/// Compiles the policies and decides with the engine of the filter. The request is normalized as the proxy's listener
/// does it: the path as the Mesh configures, repeated headers, and the claims of a token.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  peergate decide policies/ --to cart.shop:7070 --from shop/frontend \\
    --method GET --path /cart
  peergate decide policy.yaml --from anonymous --method GET --path /cart
  peergate decide policies/ --to shop/redis --from shop/cart --tcp --port 6379
  peergate decide policies/ --to edge/partners --from dns:client-7.partner.example \\
    --from subject:CN=client-7,O=Partner --method GET --path /orders
  peergate decide policies/ --requests requests.ndjson > answers.ndjson

A file for `--requests` has one JSON object per line with the fields from, to, method and path, and
optionally host, port, sourceIp, remoteIp, destinationIp, serverName, headers (a string or a list of
strings each), claims, metadata (an object per filter that set some), at, and tcp (true for a
connection without HTTP). Each answer is a JSON object on the same line of the output. The fields
expect (allow, deny or refused), reason and rule state the expected answer.

Headers and claims that are left out are absent from the request. If the decision depends on a
port, host, address or proxy header that is left out, there is no answer. The port defaults to the
only one that the policy's service declares.

The proxy itself refuses some requests, such as paths with %00, and connections without mutual TLS
if the Mesh is strict. A policy in shadow lets every request pass: the answer shows what it would
decide, and the exit status is 0.

Exit status: 2 if the request, or any in the file, is denied or refused. If lines have expectations,
2 if an answer is not the expected one. 3 also if an answer depends on something left out.")]
pub(crate) struct Args {
    #[command(flatten)]
    input: InputArgs,
    /// Destination: a host of a policy's `service`, or a policy [default: the only policy]
    #[arg(long, value_name = "HOST|NAMESPACE/POLICY", value_parser = Target::parse)]
    to: Option<Target>,
    /// Caller: a SPIFFE ID, `NAMESPACE/ACCOUNT`, `anonymous`, or a certificate name; repeatable
    ///
    /// A certificate name is `dns:NAME`, `uri:URI` or `subject:SUBJECT`, for a client certificate at a gateway. Repeat the
    /// option for several names in one certificate. `unvalidated` is a certificate that the gateway has not validated.
    #[arg(long, value_name = "CALLER", value_parser = CallerText::parse, required_unless_present = "requests")]
    from: Vec<CallerText>,
    /// Request method
    #[arg(long, value_parser = question::parse_method, required_unless_present_any = ["requests", "tcp"])]
    method: Option<String>,
    /// Request path as the client sends it, with its query
    ///
    /// Only conditions on the header `:path` see the query.
    #[arg(long, value_parser = question::parse_path)]
    path: Option<String>,
    /// Request authority, with its port if the client sends one [default: the host of --to]
    #[arg(long, value_parser = question::parse_host)]
    host: Option<String>,
    /// Decide a connection without HTTP
    #[arg(long, conflicts_with_all = ["method", "path", "host", "headers", "absent_headers", "claims"])]
    tcp: bool,
    /// Port of the workload [default: the only one that the policy declares]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// Source address of the connection
    #[arg(long, value_name = "ADDRESS")]
    source_ip: Option<IpAddr>,
    /// Client address, if a proxy forwarded the request [default: that of --source-ip]
    #[arg(long, value_name = "ADDRESS")]
    remote_ip: Option<IpAddr>,
    /// Address of the workload
    #[arg(long, value_name = "ADDRESS")]
    destination_ip: Option<IpAddr>,
    /// Server name that the client requests in the TLS handshake (SNI)
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
    /// Request header; repeatable
    ///
    /// Give headers that proxies set, such as `x-forwarded-proto`, as the filter sees them.
    #[arg(long = "header", value_name = "NAME=VALUE", value_parser = question::parse_header)]
    headers: Vec<(String, String)>,
    /// Header that is absent, although proxies set it in some meshes; repeatable
    #[arg(long = "without-header", value_name = "NAME", value_parser = question::parse_absent_header)]
    absent_headers: Vec<String>,
    /// Claims of the request's JWT, as a JSON object
    #[arg(long, value_name = "JSON", value_parser = question::parse_claims)]
    claims: Option<Map<String, Value>>,
    /// Label of the workload in addition to those that the policy selects; repeatable
    ///
    /// The labels determine which other policies select the workload.
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = parse_label)]
    labels: Vec<(String, String)>,
    #[command(flatten)]
    at: AtArgs,
    #[command(flatten)]
    key: KeyArgs,
    /// Decide every line of FILE, or of stdin for `-`
    #[arg(
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        conflicts_with_all = [
            "from",
            "method",
            "path",
            "host",
            "tcp",
            "port",
            "source_ip",
            "remote_ip",
            "destination_ip",
            "server_name",
            "headers",
            "absent_headers",
            "claims",
            "output",
        ]
    )]
    requests: Option<PathBuf>,
    /// Output format
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t)]
    output: ReportFormat,
}

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let result = answer(args);
    if let (Err(failure), ReportFormat::Json) = (&result, args.output) {
        // A summary comes after the details, which have been shown.
        if !failure.is_summary() {
            output::write_stdout(&json::failure(&**failure)?)?;
        }
    }
    result
}

fn answer(args: &Args) -> Result<ExitStatus, Failure> {
    if args.requests.as_deref().is_some_and(is_stdin) && args.input.uses_stdin() {
        return Err(InputError::StdinTwice.into());
    }
    let at = args.at.time();
    let set = load(args, at)?.with_decision_key(args.key.read()?);
    let labels: Labels = args.labels.iter().cloned().collect();
    if let Some(file) = &args.requests {
        let lines = Lines::new(&set, args.to.as_ref(), &labels, at)?;
        return requests::answer_all(lines, file);
    }
    if !args.tcp {
        let (method, path) = (args.method.as_deref(), args.path.as_deref());
        question::check_method_and_path(method, path).map_err(QuestionError::NoRequest)?;
    }
    let workload = target::find(&set, args.to.as_ref(), &labels)?;
    let decider = Decider::new(&set, workload, &labels)?;
    let mut question = args.question(&set, at)?;
    let without_http = if args.tcp {
        Some(decider.without_http(&question)?)
    } else {
        None
    };
    let answer = match &without_http {
        Some(without_http) => without_http.answer(&decider, &mut question),
        None => decider.answer(&mut question),
    };
    let answer = answer.map_err(|reason| QuestionError::Unanswerable {
        message: reason.message(),
        help: reason.help_with_arguments(),
    })?;
    let text = match args.output {
        ReportFormat::Table => human::text(&answer).into_bytes(),
        ReportFormat::Json => json::answer(&answer)?,
    };
    output::write_stdout(&text)?;
    Ok(if answer.passes {
        ExitStatus::Success
    } else {
        ExitStatus::Negative
    })
}

/// The policies. Their problems are shown in the format of the answer.
fn load(args: &Args, at: Timestamp) -> Result<PolicySet, Failure> {
    let options = Options {
        at,
        istio_version: None,
    };
    if args.output == ReportFormat::Table {
        return policies::load(args.input.paths(), options);
    }
    let (input, validated) = policies::read(args.input.paths(), options)?;
    if let Some(set) = validated.policies {
        report::diagnostics(&validated.diagnostics, &input.sources);
        return Ok(set);
    }
    let severities = validated.diagnostics.iter().map(Diagnostic::severity);
    let failure = InvalidPolicies(counts(severities));
    let json = json::invalid(&failure, &validated.diagnostics, &input.sources)?;
    output::write_stdout(&json)?;
    Err(failure.into())
}

impl Args {
    fn question(&self, set: &PolicySet, at: Timestamp) -> Result<Question<'_>, Failure> {
        let caller = RequestCaller::new(&self.from, set.mesh()).map_err(QuestionError::NoCaller)?;
        let host_of_target = self.to.as_ref().filter(|_| !self.tcp);
        let headers = self.headers.iter();
        Ok(Question {
            caller,
            method: self.method.as_deref(),
            path: self.path.as_deref(),
            host: self
                .host
                .as_deref()
                .or(host_of_target.and_then(Target::host)),
            port: self.port,
            source_ip: self.source_ip,
            remote_ip: self.remote_ip,
            destination_ip: self.destination_ip,
            server_name: self.server_name.as_deref().map(question::server_name),
            headers: headers
                .map(|(name, value)| (name.as_str(), value.as_bytes()))
                .collect(),
            absent_headers: self.absent_headers.iter().map(String::as_str).collect(),
            metadata: question::metadata(self.claims.clone(), None),
            has_claims: self.claims.is_some(),
            at,
        })
    }
}
