//! `peergate render`.

use std::path::Path;

use policy_schema::envoy::{self, HttpFilter};
use policy_schema::istio::{
    AuthorizationPolicy, Metadata, WasmPlugin, authorization_policies, wasm_plugin,
};
use policy_schema::plugin_config::{PluginConfig, PolicyName};
use policy_schema::policy::{IstioVersion, Mesh, ServicePolicy};
use policy_schema::rule_spec::Enforcement;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::Options;
use serde::Serialize;

use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::input::InputArgs;
use crate::output::{self, Format, NewFile, Target};
use crate::{policies, report};

/// Render policies as Istio resources, or as configuration of the filter
///
/// What has no other way to say it is noted on stderr: rules that Istio's own RBAC cannot carry out and the filter
/// does alone, and policies in shadow, for which there is no AuthorizationPolicy.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  peergate render -f policies/ | kubectl apply -f -
  peergate render -f policies/ -o manifests/                # one file for each object
  peergate render -f policies/ --only authorization-policy  # without the filter
  peergate render -f policies/ --workload shop/cart --only plugin-config

Nothing is written unless all policies are valid, and no file is ever half-written. Files of objects that are no
longer rendered stay in a folder.

Exit codes: 0 rendered; 1 files could not be read or written; 3 the policies are invalid.")]
pub(crate) struct Args {
    #[command(flatten)]
    input: InputArgs,
    /// What to render, instead of the AuthorizationPolicies and WasmPlugins of all policies
    #[arg(long, value_name = "KIND", value_enum)]
    only: Option<Only>,
    /// Render this policy alone
    #[arg(long, value_name = "NAMESPACE/NAME", value_parser = policies::parse_name)]
    workload: Option<PolicyName>,
    /// The Istio version to render for, instead of the mesh's own
    #[arg(long, value_name = "1.NN", value_parser = policies::parse_istio_version)]
    istio_version: Option<IstioVersion>,
    /// With `--only envoy`: where Envoy finds the filter
    #[arg(
        long,
        value_name = "PATH",
        default_value = "/etc/peergate/peergate_filter.wasm"
    )]
    filter_path: String,
    /// Whether a rule has expired is asked at this time, instead of now
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    at: Option<Timestamp>,
    /// `human`: YAML documents; `json`: a Kubernetes `List`. A plugin config is JSON anyway
    #[arg(long, value_name = "FORM", value_enum, default_value_t, hide_possible_values = true)]
    output: Format,
    /// Where to write: a file, a folder (ends in `/` or exists; one file for each object), or `-` for stdout
    #[arg(short = 'o', long = "out", value_name = "FILE|DIR/", default_value = "-", value_parser = Target::parse)]
    out: Target,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Only {
    /// What Envoy's own RBAC enforces
    AuthorizationPolicy,
    /// What puts the filter into sidecars
    WasmPlugin,
    /// What the filter reads, of one policy (of several with `-o DIR/`)
    PluginConfig,
    /// The HTTP filter for an Envoy without Istio, of one policy (of several with `-o DIR/`)
    Envoy,
}

/// Something rendered.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Object {
    AuthorizationPolicy(AuthorizationPolicy),
    WasmPlugin(Box<WasmPlugin>),
    PluginConfig(PluginConfig),
    HttpFilter(PolicyName, #[serde(skip)] ()),
}
