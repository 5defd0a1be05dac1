//! `peergate certs read`.

use std::path::PathBuf;

use peergate_fault::{ExitStatus, Failure};
use peergate_mesh::certificates::examination::{Examined, Root, examine};
use peergate_mesh::certificates::expected::Expected;
use peergate_report::certificates;
use policy_schema::timestamp::Timestamp;

use super::args::parse_trust_domain;
use crate::format::ReportFormat;
use crate::input::{bytes, name_of};
use crate::output;
use crate::time_args::{AtArgs, parse_time};

/// Inspect certificates, and report problems
///
/// Reads PEM, Kubernetes Secrets such as `cacerts`, and the output of a proxy's `/certs` endpoint. The endpoint only
/// shows identities and times.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  peergate certs read east/cert-chain.pem
  kubectl get secret -n istio-system cacerts -o yaml | peergate certs read -
  kubectl exec -n shop deploy/cart -c istio-proxy -- pilot-agent request GET certs |
    peergate certs read -

`peergate explain CODE` explains a finding.

Exit status: 2 if a certificate has a problem; 3 also if a file has no certificate.")]
pub(super) struct Args {
    /// Files, or `-` for stdin
    #[arg(value_name = "FILE", required = true, value_hint = clap::ValueHint::FilePath)]
    files: Vec<PathBuf>,
    /// Require identities to be in this trust domain; repeatable [default: any]
    #[arg(long, value_name = "NAME", value_parser = parse_trust_domain)]
    trust_domain: Vec<String>,
    /// Require trust in the root in FILE; repeatable
    #[arg(long, value_name = "FILE")]
    trusts: Vec<PathBuf>,
    /// Report certificates without automatic renewal that expire within DAYS
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    min_days: u16,
    /// Require workload certificates to be issued after TIME, such as the time of a new CA
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    renewed_since: Option<Timestamp>,
    #[command(flatten)]
    at: AtArgs,
    /// Output format
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t)]
    output: ReportFormat,
}

pub(super) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let expected = Expected::at(args.at.time(), args.min_days)
        .with_trust_domains(args.trust_domain.clone())
        .renewed_since(args.renewed_since);
    let mut roots = Vec::new();
    for path in &args.trusts {
        roots.push(Root::read(&name_of(path), &bytes(path)?)?);
    }
    let mut examined = Vec::new();
    for path in &args.files {
        examined.extend(examine(&name_of(path), &bytes(path)?, &roots, &expected)?);
    }
    let text = match args.output {
        ReportFormat::Json => certificates::json(&examined)?,
        ReportFormat::Table => certificates::text(&examined).into_bytes(),
    };
    output::write_stdout(&text)?;
    Ok(if examined.iter().all(Examined::is_sound) {
        ExitStatus::Success
    } else {
        ExitStatus::Negative
    })
}
