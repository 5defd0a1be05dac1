//! `peergate render`.

mod against;
mod error;
mod layout;
mod only;

use std::slice;

use peergate_fault::{ExitStatus, Failure};
use peergate_insight::policy_lookup;
use peergate_report::rendered::notes::{Rendered, notes};
use peergate_report::rendered::object::{Object, Syntax};
use peergate_report::rendered::objects::{Requested, Resources, objects};
use peergate_report::rendered::{names, size, together};
use policy_schema::istio::ExtensionApi;
use policy_schema::plugin_config::PolicyName;
use policy_schema::policy::IstioVersion;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::Options;

use crate::decision_key::KeyArgs;
use crate::input::{InputArgs, InputError};
use crate::output::{self, Format, Target};
use crate::{policies, report};

use against::AgainstArgs;
use error::RenderError;
use layout::Layout;
use only::Only;

/// Render a hardened mesh as resources of Istio, or policies as configuration of the filter
///
/// Notes on stderr say where the AuthorizationPolicy alone is not the policy: for rules that Envoy's RBAC cannot carry
/// out and leaves to the filter, and for policies in shadow, which have none.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  peergate render -f policies/ | kubectl apply -f -
  peergate render -f policies/ -o manifests/ && kubectl apply -k manifests/
  peergate render -f policies/ -o chart/ --layout helm-chart
  peergate render -f policies/ --only authorization-policy  # without the filter
  peergate render -f policies/ --only plugin-config --workload shop/cart
  peergate render -f policies/ --against cluster --fail-on widened | kubectl apply -f -

--against compares the PeerAuthentication, AuthorizationPolicy, WasmPlugin and
TrafficExtension objects with existing ones of the same kind, namespace and name.
It compares their fields: what it cannot show to be equal or narrower, it reports
as possibly wider.

Nothing is written unless all policies are valid, and no file is ever
half-written. In a folder each object has a file of its own; files of objects
that are no longer rendered stay, and are no longer listed.

Exit codes: 0 rendered; 1 files or the cluster could not be read, or files not written; 2 with
`--fail-on`, an existing object may be widened; 3 the policies or the manifests are invalid.")]
pub(crate) struct Args {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    key: KeyArgs,
    /// What to render; several kinds with commas between them [default: every resource of Istio]
    #[arg(long, value_name = "KIND", value_enum, value_delimiter = ',')]
    only: Vec<Only>,
    /// The policy to render, without what is of the whole mesh [default: all]
    #[arg(long, value_name = "NAMESPACE/NAME")]
    workload: Option<PolicyName>,
    #[command(flatten)]
    against: AgainstArgs,
    /// The Istio version to render for [default: the mesh's]
    #[arg(long, value_name = "1.NN", value_parser = policies::parse_istio_version)]
    istio_version: Option<IstioVersion>,
    /// The kind of object that brings the filter; `traffic-extension` is for Istio 1.30 and newer
    #[arg(long, value_name = "KIND", value_enum, default_value_t)]
    extension_api: Extension,
    /// In a folder: what lists the objects
    #[arg(long, value_name = "LAYOUT", value_enum, default_value_t)]
    layout: Layout,
    /// With `--only envoy`: where Envoy finds the filter
    #[arg(
        long,
        value_name = "PATH",
        default_value = "/etc/peergate/peergate_filter.wasm"
    )]
    filter_path: String,
    /// The time at which rules count as expired [default: now]
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    at: Option<Timestamp>,
    /// `human`: YAML documents; `json`: a Kubernetes `List`. A plugin config is JSON anyway
    #[arg(
        long,
        value_name = "FORM",
        value_enum,
        default_value_t,
        hide_possible_values = true
    )]
    output: Format,
    /// Where to write: a file, a folder (with `/` at its end if it does not exist), or `-` for stdout
    #[arg(short = 'o', long = "out", value_name = "FILE|DIR/", default_value = "-", value_parser = Target::parse)]
    out: Target,
}

/// The kind of object that brings the filter.
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
    let at = policies::at_or_now(args.at);
    let options = Options {
        at,
        istio_version: args.istio_version,
    };
    let set = policies::load(&args.input, options)?.with_decision_key(args.key.read()?);
    let policies = match &args.workload {
        Some(name) => slice::from_ref(policy_lookup::named(&set, name)?),
        None => set.policies(),
    };
    // Each proxy takes one of these, and a file with several would be none that one can take.
    if only.is_for_one_proxy() && !args.out.is_folder() {
        policy_lookup::only(policies)?;
    }
    let has_mesh = args.workload.is_none();
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
    let objects = objects(&asked, &set, policies)?;
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
    match &args.out {
        Target::Folder(path) => args.layout.write(objects, path, syntax),
        _ if args.layout == Layout::HelmChart => Err(RenderError::ChartNeedsFolder.into()),
        Target::Stdout => Ok(output::write_stdout(&together::text(objects, syntax)?)?),
        Target::File(path) => Ok(output::write(path, together::text(objects, syntax)?)?),
    }
}
