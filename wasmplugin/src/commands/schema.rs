//! `peergate schema`.

use std::path::PathBuf;

use peergate_fault::{ExitStatus, Failure};
use peergate_report::serialized;
use policy_schema::json_schema;

use crate::output;

/// Print the JSON Schema of policy documents, for editors
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  peergate schema -o peergate.schema.json
  peergate schema plugin-config

Editors with the YAML language server read which schema to use from a comment
at the top of the policy file:
  # yaml-language-server: $schema=peergate.schema.json")]
pub(crate) struct Args {
    /// What the schema is of
    #[arg(value_enum, default_value_t)]
    of: Of,
    /// Where to write it: a file, or `-` for stdout
    #[arg(short = 'o', long = "out", value_name = "FILE", default_value = "-")]
    out: PathBuf,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Of {
    /// What people write
    #[default]
    Document,
    /// What the filter reads
    PluginConfig,
}

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let schema = match args.of {
        Of::Document => json_schema::policy_document(),
        Of::PluginConfig => json_schema::plugin_config(),
    };
    output::write(&args.out, serialized::json(&schema)?)?;
    Ok(ExitStatus::Success)
}
