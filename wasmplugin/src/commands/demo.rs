//! `peergate demo`.

mod documents;
mod error;
mod keep;

use std::fs::File;
use std::io::{IsTerminal, Read};
use std::path::PathBuf;

use peergate_fault::{ExitStatus, Failure};
use peergate_report::serialized;
use peergate_sandbox::EnvoyBinary;
use peergate_sandbox::demo::{self, DemoError, DemoFiles, DemoMesh};

use crate::format::ReportFormat;
use crate::image::{NotAModule, WASM_MAGIC};
use crate::output;

use error::DemoCommandError;

/// Run an example service behind a real Envoy with the filter, and call it as different callers
///
/// Starts two Envoys on loopback with certificates of a temporary CA. Makes calls that must pass and calls that must
/// not, and shows the responses and the counters.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  make demo
  peergate demo --filter target/filter/peergate_filter.wasm --keep

Exit status: 0 only if every call had the expected result.")]
pub(crate) struct Args {
    /// The filter's module [default: next to this program]
    #[arg(
        long,
        value_name = "FILE",
        env = "PEERGATE_FILTER",
        hide_env_values = true
    )]
    filter: Option<PathBuf>,
    /// The Envoy to run [default: `PEERGATE_ENVOY`, or `envoy` on the PATH]
    #[arg(long, value_name = "FILE")]
    envoy: Option<PathBuf>,
    /// Keep everything running until Ctrl-C, and print how to call it
    #[arg(long)]
    keep: bool,
    /// Output format
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t)]
    output: ReportFormat,
}

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let filter = find_filter(args)?;
    let envoy = EnvoyBinary::find(args.envoy.as_deref()).map_err(DemoError::from)?;
    if std::io::stderr().is_terminal() {
        anstream::eprintln!("starting two Envoys ({}) …", envoy.version());
    }
    let files = DemoFiles::new()?;
    let policies = documents::policies(files.documents())?;
    let mesh = DemoMesh::start(&envoy, &filter, files, &policies)?;
    let report = demo::run(&mesh, |decision| {
        documents::allow(mesh.documents(), decision)
    })?;
    match args.output {
        ReportFormat::Table => anstream::print!(
            "Calls to boutique/cartservice of the example shop; the filter runs in Envoy {}.\n\n{report}",
            envoy.version()
        ),
        ReportFormat::Json => output::write_stdout(&serialized::json(&report.to_json())?)?,
    }
    if args.keep {
        keep::keep(&mesh)?;
    }
    Ok(if report.is_as_expected() {
        ExitStatus::Success
    } else {
        ExitStatus::Failure
    })
}

fn find_filter(args: &Args) -> Result<PathBuf, Failure> {
    let beside = || {
        let program = std::env::current_exe().ok()?;
        Some(program.with_file_name("peergate_filter.wasm"))
    };
    let filter = args.filter.clone().or_else(beside);
    let filter = filter.filter(|path| path.is_file());
    let filter = filter.ok_or(DemoCommandError::MissingFilter)?;
    let mut start = [0; WASM_MAGIC.len()];
    let is_module = File::open(&filter)
        .and_then(|mut file| file.read_exact(&mut start))
        .is_ok_and(|()| start == WASM_MAGIC);
    if !is_module {
        return Err(NotAModule(filter).into());
    }
    Ok(filter)
}
