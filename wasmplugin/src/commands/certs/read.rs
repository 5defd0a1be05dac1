//! `peergate certs read`.

use std::path::PathBuf;

use peergate_fault::{ExitStatus, Failure};
use peergate_mesh::certificates::examination::{Examined, Root, examine};
use peergate_mesh::certificates::expected::Expected;
use peergate_report::certificates;
use policy_schema::timestamp::Timestamp;

use super::args::parse_trust_domain;
use crate::input::{bytes, name_of};
use crate::output::{self, Format};
use crate::policies;

/// Say what certificates are, and what is wrong with them
///
/// Reads PEM, Kubernetes Secrets such as `cacerts`, and what a proxy's admin endpoint says at `/certs`. Of the last only
/// identities and times are known.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  peergate certs read east/cert-chain.pem
  kubectl get secret -n istio-system cacerts -o yaml | peergate certs read -
  kubectl exec -n shop deploy/cart -c istio-proxy -- curl -s localhost:15000/certs |
    peergate certs read -

Findings: expired, not-yet-valid, ends-soon, not-renewed, weak-key, weak-signature,
broken-chain, other-key, no-key, no-identity, several-identities,
malformed-identity, foreign-trust-domain, key-usage, no-key-usage,
extended-key-usage, missing-root, unreadable.

Exit codes: 0 nothing is wrong; 1 a file could not be read; 2 something is wrong; 3 a file has no certificate.")]
pub(super) struct Args {
    /// Files, or `-` for stdin
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The trust domains that identities may belong to; repeatable [default: any]
    #[arg(long, value_name = "NAME", value_parser = parse_trust_domain)]
    trust_domain: Vec<String>,
    /// Roots that must be among those that are trusted, each in a file; repeatable
    #[arg(long, value_name = "FILE")]
    trusts: Vec<PathBuf>,
    /// Fewer days left than this are too few, where certificates are not renewed by themselves
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    min_days: u16,
    /// The time after which certificates of workloads have to be renewed, such as that of a change of who signs
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    renewed_since: Option<Timestamp>,
    /// The time to compare with [default: now]
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    at: Option<Timestamp>,
    /// For whom the report is
    #[arg(long, value_enum, default_value_t)]
    output: Format,
}

pub(super) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let expected = Expected::at(policies::at_or_now(args.at), args.min_days)
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
        Format::Json => certificates::json(&examined)?,
        Format::Human => certificates::text(&examined).into_bytes(),
    };
    output::write_stdout(&text)?;
    Ok(if examined.iter().all(Examined::is_sound) {
        ExitStatus::Success
    } else {
        ExitStatus::Negative
    })
}
