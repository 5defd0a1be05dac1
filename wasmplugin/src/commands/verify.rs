//! `peergate verify`.

mod args;
mod error;

use std::path::PathBuf;

use peergate_fault::{ExitStatus, Failure};
use peergate_mesh::verification::verify;
use peergate_report::verification::{human, json, junit, sarif};
use policy_schema::code::Severity;
use policy_schema::istio::ExtensionApi;
use policy_schema::policy::IstioVersion;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::Options;

use crate::commands::render::Extension;
use crate::decision_key::KeyArgs;
use crate::input::{InputArgs, InputError};
use crate::{output, policies};

use args::MeshArgs;

/// Say where a mesh is not what the documents say
///
/// Looks at manifests, at a cluster through a kubeconfig, at proxies through their admin endpoints, and tries ports: is
/// every namespace strict, is any port open to plaintext, is mutual TLS undone anywhere, does each proxy run the revision
/// that the documents have, which certificates end soon, which workloads lack a policy, which policies select nothing,
/// and which objects are not those that the documents are rendered to.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  peergate verify -f policies/ --cluster
  peergate verify -f policies/ --cluster --context production --output sarif -o found.sarif
  peergate verify -f policies/ --manifests manifests/ --manifests workloads/
  kubectl port-forward -n shop deploy/cart 15000 &
  peergate verify -f policies/ --proxy http://localhost:15000
  peergate verify -f policies/ --probe 10.8.0.14:8080

docs/verify.md says what each finding means, and what of a cluster one must be permitted to read.

Exit codes: 0 nothing was found; 1 something could not be read; 2 something was verified, with
`--deny-warnings` a warning too; 3 the policies, the manifests or the arguments are invalid.")]
pub(crate) struct Args {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    mesh: MeshArgs,
    /// Fewer days left than this are too few for a certificate that is not renewed by itself
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    min_days: u16,
    /// The kind of object that brings the filter
    #[arg(long, value_name = "KIND", value_enum, default_value_t)]
    extension_api: Extension,
    /// The Istio version that the mesh runs [default: the mesh's]
    #[arg(long, value_name = "1.NN", value_parser = policies::parse_istio_version)]
    istio_version: Option<IstioVersion>,
    /// The time at which rules, exceptions and certificates count as over [default: now]
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    at: Option<Timestamp>,
    /// Take warnings for findings too
    #[arg(long)]
    deny_warnings: bool,
    /// The form of the report
    #[arg(long, value_name = "FORM", value_enum, default_value_t)]
    output: Form,
    /// The file to write the report to, or `-` for stdout
    #[arg(short = 'o', long = "out", value_name = "FILE", default_value = "-")]
    out: PathBuf,
}

/// The form of the report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// For people
    #[default]
    Human,
    /// For programs
    Json,
    /// For CI systems that show tests
    Junit,
    /// For code scanning (SARIF 2.1.0)
    Sarif,
}

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let at = policies::at_or_now(args.at);
    let options = Options {
        at,
        istio_version: args.istio_version,
    };
    if args.input.uses_stdin() && args.mesh.uses_stdin() {
        return Err(InputError::StdinTwice.into());
    }
    let set = policies::load(&args.input, options)?.with_decision_key(args.key.read()?);
    let compared = peergate_mesh::verification::Options {
        api: ExtensionApi::from(args.extension_api),
        at,
        min_days: args.min_days,
    };
    let verified = verify(args.mesh.scope()?, &set, compared)?;
    match args.output {
        Form::Human => output::write_styled(&args.out, human::text(&verified).into_bytes()),
        Form::Json => output::write(&args.out, json::json(&verified, &set)?),
        Form::Junit => output::write(&args.out, junit::xml(&verified)?),
        Form::Sarif => output::write(&args.out, sarif::json(&verified)?),
    }?;
    let severities = verified
        .findings
        .iter()
        .map(|finding| finding.code.severity());
    let least = if args.deny_warnings {
        Severity::Warning
    } else {
        Severity::Error
    };
    Ok(match severities.max() {
        Some(worst) if worst >= least => ExitStatus::Negative,
        _ => ExitStatus::Success,
    })
}
