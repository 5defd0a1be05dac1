//! `peergate render`.

mod object;

use std::slice;

use policy_schema::envoy;
use policy_schema::istio::{MissingImage, authorization_policies, wasm_plugin};
use policy_schema::plugin_config::{PluginConfig, PolicyName};
use policy_schema::policy::{IstioVersion, PolicySet, ServicePolicy};
use policy_schema::rule_spec::Enforcement;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::Options;

use object::Object;

use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::input::InputArgs;
use crate::output::{self, Format, NewFile, Target};
use crate::{policies, report};

/// Render policies as Istio resources, or as configuration of the filter
///
/// Notes on stderr say where the AuthorizationPolicy alone is not the policy: for rules that Envoy's RBAC cannot carry
/// out and leaves to the filter, and for policies in shadow, which have none.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  peergate render -f policies/ | kubectl apply -f -
  peergate render -f policies/ -o manifests/
  peergate render -f policies/ --only authorization-policy  # without the filter
  peergate render -f policies/ --only plugin-config --workload shop/cart

Nothing is written unless all policies are valid, and no file is ever
half-written. In a folder each object has a file of its own; files of objects
that are no longer rendered stay.

Exit codes: 0 rendered; 1 files could not be read or written; 3 the policies are invalid.")]
pub(crate) struct Args {
    #[command(flatten)]
    input: InputArgs,
    /// What to render [default: every AuthorizationPolicy and WasmPlugin]
    #[arg(long, value_name = "KIND", value_enum)]
    only: Option<Only>,
    /// The policy to render [default: all]
    #[arg(long, value_name = "NAMESPACE/NAME", value_parser = policies::parse_name)]
    workload: Option<PolicyName>,
    /// The Istio version to render for [default: the mesh's]
    #[arg(long, value_name = "1.NN", value_parser = policies::parse_istio_version)]
    istio_version: Option<IstioVersion>,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Only {
    /// What Envoy's RBAC enforces
    AuthorizationPolicy,
    /// What puts the filter into sidecars
    WasmPlugin,
    /// What the filter reads; of one policy, unless written to a folder
    PluginConfig,
    /// The HTTP filters of an Envoy without Istio: the filter, and RBAC as Istio would configure it; of one policy,
    /// unless written to a folder
    Envoy,
}

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let options = Options {
        at: policies::at_or_now(args.at),
        istio_version: args.istio_version,
    };
    let set = policies::load(&args.input, options)?;
    let chosen = match &args.workload {
        Some(name) => slice::from_ref(policies::named(&set, name)?),
        None => set.policies(),
    };
    // Each proxy takes one of these, and a file with several would be none that one can take.
    if let (Some(Only::PluginConfig | Only::Envoy), false) = (args.only, args.out.is_folder()) {
        policies::only(chosen)?;
    }
    let mut objects = Vec::new();
    for policy in chosen {
        add_objects(&mut objects, &set, policy, args)?;
    }
    write(&objects, args)?;
    if matches!(args.only, None | Some(Only::AuthorizationPolicy)) {
        chosen.iter().for_each(note_differences);
    }
    Ok(ExitStatus::Success)
}

fn add_objects(
    objects: &mut Vec<Object>,
    set: &PolicySet,
    policy: &ServicePolicy,
    args: &Args,
) -> Result<(), Failure> {
    if matches!(args.only, None | Some(Only::AuthorizationPolicy)) {
        let rendered = authorization_policies(set, policy);
        objects.extend(rendered.into_iter().map(Object::AuthorizationPolicy));
    }
    if matches!(args.only, None | Some(Only::WasmPlugin)) {
        let rendered = wasm_plugin(set, policy).map_err(|MissingImage| Failure::MissingImage)?;
        objects.push(Object::WasmPlugin(Box::new(rendered)));
    }
    if args.only == Some(Only::PluginConfig) {
        objects.push(Object::PluginConfig(PluginConfig::of_policy(set, policy)));
    }
    if args.only == Some(Only::Envoy) {
        let filters = envoy::http_filters(set, policy, &args.filter_path).map_err(|reason| {
            Failure::NotForPlainEnvoy {
                name: policy.name().clone(),
                reason,
            }
        })?;
        objects.push(Object::HttpFilters(policy.name().clone(), filters));
    }
    Ok(())
}

fn write(objects: &[Object], args: &Args) -> Result<(), Failure> {
    match &args.out {
        Target::Stdout => output::write_stdout(&object::together(objects, args.output)?),
        Target::File(path) => {
            let content = object::together(objects, args.output)?;
            output::write_files(vec![NewFile {
                path: path.clone(),
                content,
            }])
        }
        Target::Folder(folder) => {
            let files = objects.iter().map(|object| {
                Ok(NewFile {
                    path: folder.join(object.file_name(args.output)),
                    content: object.content(args.output)?,
                })
            });
            let files = files.collect::<Result<Vec<_>, Failure>>()?;
            output::create_folder(folder)?;
            output::write_files(files)
        }
    }
}

/// Says where the AuthorizationPolicy alone is not the policy.
fn note_differences(policy: &ServicePolicy) {
    let name = policy.name();
    if policy.enforcement() == Enforcement::Shadow {
        report::note(&format!(
            "policy `{name}` is in shadow: it has no AuthorizationPolicy, and the filter lets every request pass"
        ));
        return;
    }
    for (rule, note) in policy.plane_differences() {
        report::note(&format!("rule `{rule}` of policy `{name}`: {note}"));
    }
}
