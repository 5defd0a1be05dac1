//! `peergate install-values`.

use std::path::PathBuf;

use peergate_fault::{ExitStatus, Failure};
use peergate_report::rendered::{install, undeclared_providers};
use policy_schema::policy::IstioVersion;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::Options;

use crate::input::InputArgs;
use crate::{output, policies, report};

/// Write what Istio is installed with, so that the mesh is what its document says
///
/// Values of Istio's Helm charts, the same for `istioctl`, and the namespaces with their labels: two of each
/// control plane and gateway at least, apart from each other and never all drained at once; resources; containers
/// without privileges; the mesh config.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  peergate install-values -f policies/ -o install/
  kubectl apply -f install/namespaces.yaml
  helm upgrade --install istio-base oci://ghcr.io/istio/release/charts/base \\
    -n istio-system --create-namespace --version '~1.29.0'
  helm upgrade --install istiod oci://ghcr.io/istio/release/charts/istiod \\
    -n istio-system --version '~1.29.0' -f install/istiod.values.yaml --wait

docs/install.md has the rest of it: gateways, upgrades, and why the values are as they are.

Exit codes: 0 written; 1 files could not be read or written; 3 the policies are invalid.")]
pub(crate) struct Args {
    #[command(flatten)]
    input: InputArgs,
    /// The Istio version to install [default: the mesh's]
    #[arg(long, value_name = "1.NN", value_parser = policies::parse_istio_version)]
    istio_version: Option<IstioVersion>,
    /// The time at which rules count as expired [default: now]
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    at: Option<Timestamp>,
    /// The folder to write to
    #[arg(short = 'o', long = "out", value_name = "DIR")]
    out: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let options = Options {
        at: policies::at_or_now(args.at),
        istio_version: args.istio_version,
    };
    let set = policies::load(&args.input, options)?;
    output::write_into(&args.out, install::files(&set)?)?;
    let undefined = undeclared_providers::undefined(&set).into_iter();
    undefined.for_each(report::note);
    Ok(ExitStatus::Success)
}
