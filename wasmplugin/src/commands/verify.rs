//! `peergate verify`.

mod args;
mod error;

use peergate_fault::{ExitStatus, Failure};
use peergate_mesh::verification::verify;
use peergate_report::verification::{github, human, json, junit, sarif};
use policy_schema::code::Severity;
use policy_schema::istio::ExtensionApi;
use policy_schema::validate::Options;

use crate::commands::render::Extension;
use crate::decision_key::KeyArgs;
use crate::format::FindingFormat;
use crate::input::{InputArgs, InputError};
use crate::out_args::OutFileArgs;
use crate::policies::{self, IstioVersionArgs};
use crate::progress::Progress;
use crate::time_args::AtArgs;

use args::MeshArgs;

/// Check a mesh for drift from its policy documents
///
/// Reads manifests, a cluster, and the admin endpoints of proxies, and probes ports. Reports namespaces that are not
/// strict, ports open to plaintext, configuration that undoes mutual TLS, proxies that do not run the revision of the
/// documents, certificates that expire soon, workloads without a policy, policies without a workload, and objects that
/// differ from the rendered ones.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  peergate verify policies/ --cluster
  peergate verify policies/ --cluster --context production -o sarif --out findings.sarif
  peergate verify policies/ --manifests manifests/ --manifests workloads/
  kubectl port-forward -n shop deploy/cart 15000 &
  peergate verify policies/ --proxy http://localhost:15000
  peergate verify policies/ --probe 10.8.0.14:8080

`peergate explain CODE` explains a finding. The page `verify` of the documentation lists the
permissions that `--cluster` needs.

Exit status: 2 if an error was found, or a warning with `--deny-warnings`.")]
pub(crate) struct Args {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    mesh: MeshArgs,
    /// Warn if a certificate without automatic renewal expires within DAYS
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    min_days: u16,
    /// Kind of object that installs the filter
    #[arg(long, value_name = "KIND", value_enum, default_value_t)]
    extension_api: Extension,
    #[command(flatten)]
    istio: IstioVersionArgs,
    #[command(flatten)]
    at: AtArgs,
    /// Treat warnings as errors
    #[arg(long)]
    deny_warnings: bool,
    /// Output format
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t)]
    output: FindingFormat,
    #[command(flatten)]
    out: OutFileArgs,
}

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let at = args.at.time();
    let options = Options {
        at,
        istio_version: args.istio.istio_version,
    };
    if args.input.uses_stdin() && args.mesh.uses_stdin() {
        return Err(InputError::StdinTwice.into());
    }
    let _progress = Progress::spinner("verifying");
    let set = policies::load(args.input.paths(), options)?.with_decision_key(args.key.read()?);
    let compared = peergate_mesh::verification::Options {
        api: ExtensionApi::from(args.extension_api),
        at,
        min_days: args.min_days,
    };
    let verified = verify(args.mesh.scope()?, &set, compared)?;
    match args.output {
        FindingFormat::Table => args.out.write_styled(human::text(&verified).into_bytes()),
        FindingFormat::Json => args.out.write(json::json(&verified, &set)?),
        FindingFormat::Junit => args.out.write(junit::xml(&verified)?),
        FindingFormat::Sarif => args.out.write(sarif::json(&verified)?),
        FindingFormat::Github => args.out.write(github::commands(&verified).into_bytes()),
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
