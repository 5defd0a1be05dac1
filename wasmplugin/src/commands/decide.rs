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
use crate::input::{InputArgs, InputError, is_stdin};
use crate::label::parse_label;
use crate::output::{self, Format};
use crate::policies::InvalidPolicies;
use crate::{policies, report};

use error::QuestionError;

/// Decide a request as the proxy would, and say why
///
/// The policies are compiled as for the proxy, and the filter's engine decides. The request is normalized as the
/// proxy's listener does it: the path as the Mesh says, repeated headers, and the claims of a token.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  peergate decide -f policies/ --to cart.shop:7070 --from shop/frontend \\
    --method GET --path /cart
  peergate decide -f policy.yaml --from anonymous --method GET --path /cart
  peergate decide -f policies/ --to shop/redis --from shop/cart --tcp --port 6379
  peergate decide -f policies/ --to edge/partners --from dns:client-7.partner.example \\
    --from subject:CN=client-7,O=Partner --method GET --path /orders
  peergate decide -f policies/ --requests requests.ndjson > answers.ndjson

A file of requests has one JSON object per line, with the fields from, to,
method and path, and if needed host, port, sourceIp, remoteIp, destinationIp,
serverName, headers (a text or a list of texts each), claims, metadata (an
object for each filter that set some), at, and tcp (true for a connection
without HTTP). Answers are JSON objects, each on the line of its request.
With expect (allow, deny or refused), reason or rule, a line says which answer
it expects.

Headers and claims that are left out are absent from the request. If a rule
asks for a port, a host, an address or a header that proxies set, the question
leaves it out, and the answer depends on it, there is no answer. The port is the
only one that the policy's service declares, if it declares one.

The proxy itself refuses some requests, such as CONNECT and those with %00 in the
path, and connections without mutual TLS where the Mesh is strict.
A policy in shadow lets every request pass: the answer says what it would
decide, and the exit code is 0.

Exit codes: 0 the request passes; 1 a file could not be read; 2 the request, or
one of the file's, does not pass; if lines have expectations, 2 means that an
answer is not as expected, and denials do not count; 3 the policies, a request
or the arguments are invalid, or leave out what a rule asks for.")]
pub(crate) struct Args {
    #[command(flatten)]
    input: InputArgs,
    /// Where the request goes: a host that a policy's `service` has, or a policy [default: the only
    /// policy]
    #[arg(long, value_name = "HOST|NAMESPACE/POLICY", value_parser = Target::parse)]
    to: Option<Target>,
    /// Who calls: a SPIFFE ID, a service account as `NAMESPACE/ACCOUNT`, a certificate's name as
    /// `dns:NAME`, `uri:URI` or `subject:SUBJECT`, `anonymous`, or `unvalidated` for a certificate
    /// that the gateway has not validated; repeatable for several names in one certificate
    #[arg(long, value_name = "CALLER", value_parser = CallerText::parse, required_unless_present = "requests")]
    from: Vec<CallerText>,
    /// The request's method
    #[arg(long, value_parser = question::parse_method, required_unless_present_any = ["requests", "tcp"])]
    method: Option<String>,
    /// The request's path as the client sends it, with its query, which only conditions on the
    /// header `:path` see
    #[arg(long, value_parser = question::parse_path)]
    path: Option<String>,
    /// The request's authority, with its port if the client sends one [default: the host of --to]
    #[arg(long, value_parser = question::parse_host)]
    host: Option<String>,
    /// Ask about a connection without HTTP
    #[arg(long, conflicts_with_all = ["method", "path", "host", "headers", "absent_headers", "claims"])]
    tcp: bool,
    /// The port of the workload that the request arrives at [default: the only one that the policy
    /// declares]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..))]
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
    /// A header of the request; repeatable. One that proxies set, such as `x-forwarded-proto`, as
    /// the filter sees it
    #[arg(long = "header", value_name = "NAME=VALUE", value_parser = question::parse_header)]
    headers: Vec<(String, String)>,
    /// A header that the filter does not see, although proxies set it in some meshes; repeatable
    #[arg(long = "without-header", value_name = "NAME", value_parser = question::parse_absent_header)]
    absent_headers: Vec<String>,
    /// The claims of the request's JWT, as a JSON object
    #[arg(long, value_name = "JSON", value_parser = question::parse_claims)]
    claims: Option<Map<String, Value>>,
    /// A label of the workload beyond those that the policy selects; repeatable. It tells which
    /// other policies are for the workload
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = parse_label)]
    labels: Vec<(String, String)>,
    /// When the request is made [default: now]. What has expired by then does not apply
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    at: Option<Timestamp>,
    #[command(flatten)]
    key: KeyArgs,
    /// Ask about every line of a file, or of stdin for `-`
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
    let result = answer(args);
    if let (Err(failure), Format::Json) = (&result, args.output) {
        // What is summed up has been shown.
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
    let at = policies::at_or_now(args.at);
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
        Format::Human => human::text(&answer).into_bytes(),
        Format::Json => json::answer(&answer)?,
    };
    output::write_stdout(&text)?;
    Ok(if answer.passes {
        ExitStatus::Success
    } else {
        ExitStatus::Negative
    })
}

/// The policies; what is wrong with them is shown in the form that the answer would have.
fn load(args: &Args, at: Timestamp) -> Result<PolicySet, Failure> {
    let options = Options {
        at,
        istio_version: None,
    };
    if args.output == Format::Human {
        return policies::load(&args.input, options);
    }
    let (input, validated) = policies::read(&args.input, options)?;
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
