//! `peergate install-values`.

use peergate_fault::{ExitStatus, Failure};
use peergate_report::rendered::{install, undeclared_providers};
use policy_schema::validate::Options;

use crate::input::InputArgs;
use crate::out_args::OutFolderArgs;
use crate::policies::{self, IstioVersionArgs};
use crate::report;
use crate::time_args::AtArgs;

/// Generate Helm and istioctl values that match the Mesh document
///
/// Writes values for Istio's Helm charts and for `istioctl`, and the namespaces with their labels. Each control plane
/// and gateway gets at least two replicas on different nodes, a disruption budget, resources, and containers without
/// privileges. The mesh config is that of the Mesh document.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  peergate install-values policies/ --out install/
  kubectl apply -f install/namespaces.yaml
  helm upgrade --install istio-base oci://ghcr.io/istio/release/charts/base \\
    -n istio-system --create-namespace --version '~1.29.0'
  helm upgrade --install istiod oci://ghcr.io/istio/release/charts/istiod \\
    -n istio-system --version '~1.29.0' -f install/istiod.values.yaml --wait

See the page `install` of the documentation for gateways and upgrades.")]
pub(crate) struct Args {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    istio: IstioVersionArgs,
    #[command(flatten)]
    at: AtArgs,
    #[command(flatten)]
    out: OutFolderArgs,
}

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let options = Options {
        at: args.at.time(),
        istio_version: args.istio.istio_version,
    };
    let set = policies::load(args.input.paths(), options)?;
    args.out
        .force
        .write_folder(&args.out.folder, install::files(&set)?)?;
    let undefined = undeclared_providers::undefined(&set).into_iter();
    undefined.for_each(report::note);
    Ok(ExitStatus::Success)
}
