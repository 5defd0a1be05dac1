//! `peergate schema`.

use peergate_fault::{ExitStatus, Failure};
use peergate_report::serialized;
use policy_schema::json_schema;

use crate::out_args::OutFileArgs;

/// Print the JSON Schema of policy documents, for editors
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  peergate schema --out peergate.schema.json
  peergate schema plugin-config

Editors with the YAML language server take the schema from a comment at the top of a policy file:
  # yaml-language-server: $schema=peergate.schema.json")]
pub(crate) struct Args {
    /// What the schema describes
    #[arg(value_enum, default_value_t)]
    subject: Subject,
    #[command(flatten)]
    out: OutFileArgs,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Subject {
    /// Policy documents: Mesh and ServicePolicy
    #[default]
    Document,
    /// The configuration of the filter
    PluginConfig,
}

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let schema = match args.subject {
        Subject::Document => json_schema::policy_document(),
        Subject::PluginConfig => json_schema::plugin_config(),
    };
    args.out.write(serialized::json(&schema)?)?;
    Ok(ExitStatus::Success)
}
