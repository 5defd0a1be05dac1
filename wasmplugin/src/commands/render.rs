//! `peergate render`.

mod against;
mod error;
mod layout;
mod only;
mod stale;

use peergate_fault::{ExitStatus, Failure};
use peergate_insight::policy_lookup;
use peergate_report::rendered::notes::{Rendered, notes};
use peergate_report::rendered::object::{Object, Syntax};
use peergate_report::rendered::objects::{Requested, Resources, objects};
use peergate_report::rendered::{names, size, together};
use policy_schema::istio::ExtensionApi;
use policy_schema::validate::Options;

use crate::decision_key::KeyArgs;
use crate::format::DocumentFormat;
use crate::input::{Input, InputArgs, InputError};
use crate::out_args::{OutArgs, Target};
use crate::policies::IstioVersionArgs;
use crate::policy_args::PolicyArgs;
use crate::progress::Progress;
use crate::time_args::AtArgs;
use crate::verbosity::listing;
use crate::{output, policies, report};

use against::AgainstArgs;
use error::RenderError;
use layout::Layout;
use only::Only;

/// Render policy documents as Istio resources, or as configuration of the filter
///
/// Nothing is written unless all documents are valid. Notes on stderr list where the AuthorizationPolicy alone does not
/// enforce the policy: rules that Envoy's RBAC cannot express and leaves to the filter, and policies in shadow.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  peergate render policies/ | kubectl apply -f -
  peergate render policies/ --out manifests/ && kubectl apply -k manifests/
  peergate render policies/ --out chart/ --layout helm-chart
  peergate render policies/ --only authorization-policy     # without the filter
  peergate render policies/ --only plugin-config --policy shop/cart
  peergate render policies/ --against cluster --fail-on widened | kubectl apply -f -

In a folder, each object has a file of its own. Objects of an earlier render that are no longer
rendered are reported, and `--prune` removes their files.

`--against` compares the PeerAuthentication, AuthorizationPolicy, WasmPlugin and TrafficExtension
objects with existing ones of the same kind, namespace and name, field by field. Changes that
cannot be proven equal or narrower are reported as possibly wider.

Exit status: 2 if an existing object may be widened and `--fail-on widened` is set.")]
pub(crate) struct Args {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    key: KeyArgs,
    /// Kinds to render, comma-separated [default: every Istio resource]
    #[arg(long, value_name = "KIND", value_enum, value_delimiter = ',')]
    only: Vec<Only>,
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    against: AgainstArgs,
    #[command(flatten)]
    istio: IstioVersionArgs,
    /// Kind of object that installs the filter; `traffic-extension` needs Istio 1.30
    #[arg(long, value_name = "KIND", value_enum, default_value_t)]
    extension_api: Extension,
    /// Layout of an output folder
    #[arg(long, value_name = "LAYOUT", value_enum, default_value_t)]
    layout: Layout,
    /// With `--only envoy`: path of the filter on Envoy's machine
    #[arg(
        long,
        value_name = "PATH",
        default_value = "/etc/peergate/peergate_filter.wasm"
    )]
    filter_path: String,
    #[command(flatten)]
    at: AtArgs,
    /// Output format; a plugin config is always JSON
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t)]
    output: DocumentFormat,
    #[command(flatten)]
    out: OutArgs,
    /// Remove files of an earlier render from the output folder
    #[arg(long)]
    prune: bool,
}

/// The kind of object that installs the filter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Extension {
    #[default]
    WasmPlugin,
    TrafficExtension,
}

impl From<Extension> for ExtensionApi {
    fn from(extension: Extension) -> Self {
        match extension {
            Extension::WasmPlugin => Self::WasmPlugin,
            Extension::TrafficExtension => Self::TrafficExtension,
        }
    }
}

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let only = only::Chosen::new(&args.only)?;
    if args.input.uses_stdin() && args.against.uses_stdin() {
        return Err(InputError::StdinTwice.into());
    }
    let at = args.at.time();
    let options = Options {
        at,
        istio_version: args.istio.istio_version,
    };
    let selection = args.policy.selection()?;
    let _progress = Progress::spinner("rendering");
    let (Input { names: files, .. }, set) = policies::load_with_texts(args.input.paths(), options)?;
    let set = set.with_decision_key(args.key.read()?);
    let policies = &*selection.policies(&set)?;
    // A proxy takes one of these, so a file with several would be useless.
    if only.is_for_one_proxy() && !matches!(args.out.target, Target::Folder(_)) {
        policy_lookup::only(policies)?;
    }
    let has_mesh = selection.is_all();
    let has_kind = |kind| only.takes(kind);
    let asked = if only.is(Only::PluginConfig) {
        Requested::PluginConfigs
    } else if only.is(Only::Envoy) {
        Requested::HttpFilters {
            filter_path: &args.filter_path,
        }
    } else {
        Requested::Resources(Resources {
            has_kind: &has_kind,
            has_every_kind: only.is_everything(),
            has_mesh,
            api: ExtensionApi::from(args.extension_api),
        })
    };
    let objects = objects(&asked, &set, policies, &files)?;
    check(&names::duplicates(&objects), RenderError::SameName)?;
    let oversized = size::oversized(&objects)?;
    check(&oversized.rejected, RenderError::TooLarge)?;
    if !args.against.check(&set, at, &objects)? {
        return Ok(ExitStatus::Negative);
    }
    write(&objects, args)?;
    let count = objects.len();
    // The notes look at the policies once more.
    drop(objects);
    let rendered = Rendered {
        set: &set,
        policies,
        has_mesh,
        has_every_kind: only.is_everything(),
        has_kind: &has_kind,
        objects: count,
        listing: listing(),
        server_side_only: oversized.server_side_only,
    };
    notes(&rendered).into_iter().for_each(report::note);
    Ok(ExitStatus::Success)
}

/// Shows what is refused, and ends the run if there is any.
fn check(refused: &[String], error: impl FnOnce(usize) -> RenderError) -> Result<(), Failure> {
    refused.iter().for_each(report::error);
    match refused.len() {
        0 => Ok(()),
        count => Err(error(count).into()),
    }
}

fn write(objects: &[Object], args: &Args) -> Result<(), Failure> {
    let syntax = Syntax::from(args.output);
    let force = args.out.force;
    match &args.out.target {
        Target::Folder(folder) => {
            let written = args.layout.write(objects, folder, syntax, force)?;
            stale::handle(folder, &written, args.prune, force)
        }
        _ if args.prune => Err(RenderError::PruneNeedsFolder.into()),
        _ if args.layout == Layout::HelmChart => Err(RenderError::ChartNeedsFolder.into()),
        Target::Stdout => Ok(output::write_stdout(&together::text(objects, syntax)?)?),
        Target::File(path) => Ok(force.write_file(path, together::text(objects, syntax)?)?),
    }
}
