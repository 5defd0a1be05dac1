//! `peergate package`.

use std::path::PathBuf;

use peergate_fault::{ExitStatus, Failure, Fault};
use peergate_report::serialized::SerializeError;
use thiserror::Error;

use crate::image::{self, BuildInfo, Image, InvalidBuildInfo, NotAModule, WASM_MAGIC};
use crate::input::{InputError, bytes};
use crate::output;

/// Make the OCI image of the filter that Istio's sidecars fetch
///
/// The image has one layer with `plugin.wasm`, and comes with a bill of materials (CycloneDX) and a provenance (in-toto,
/// SLSA; not signed). The same module gives the same bytes, and so the same digest.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  make filter
  peergate package --filter target/filter/peergate_filter.wasm -o image.tar
  peergate push image.tar registry.example.com/peergate/filter:0.1.0

Prints the digest of the image. Needs no container engine.

Exit codes: 0 made; 1 files could not be read or written; 3 the module or its build info is not what it should be.")]
pub(crate) struct Args {
    /// The filter's module
    #[arg(long, value_name = "FILE", env = "PEERGATE_FILTER")]
    filter: PathBuf,
    /// What the module was made of [default: beside the module, ending in `.build.json`]
    #[arg(long, value_name = "FILE")]
    build_info: Option<PathBuf>,
    /// Where to write the image, an OCI layout as a tar archive
    #[arg(short = 'o', long = "out", value_name = "FILE")]
    out: PathBuf,
}

/// A build info that does not describe the module.
#[derive(Debug, Error)]
#[error("`{name}`: {reason}")]
struct InvalidBuildInfoFile {
    name: String,
    reason: InvalidBuildInfo,
}

impl Fault for InvalidBuildInfoFile {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        Some("make both with `make filter`")
    }
}

/// A build info beside the module that cannot be read.
#[derive(Debug, Error)]
#[error(transparent)]
struct NoBuildInfo(InputError);

impl Fault for NoBuildInfo {
    fn status(&self) -> ExitStatus {
        self.0.status()
    }

    fn help(&self) -> Option<&str> {
        Some(
            "name what the module was made of with `--build-info`, or make both with `make filter`",
        )
    }
}

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let module = bytes(&args.filter)?;
    if !module.starts_with(&WASM_MAGIC) {
        return Err(NotAModule(args.filter.clone()).into());
    }
    let beside = || args.filter.with_extension("build.json");
    let path = args.build_info.clone().unwrap_or_else(beside);
    let build_info = bytes(&path).map_err(NoBuildInfo)?;
    let build = BuildInfo::parse(&build_info, &module).map_err(|reason| InvalidBuildInfoFile {
        name: path.display().to_string(),
        reason,
    })?;
    let image = Image::of_module(&module, &build).map_err(SerializeError::Json)?;
    output::write(
        &args.out,
        image::to_tar(&image).map_err(SerializeError::Json)?,
    )?;
    let digest = image.digest().unwrap_or_default();
    // The archive may be what stdout has.
    if args.out.as_os_str() != "-" {
        output::write_stdout(format!("{digest}\n").as_bytes())?;
    }
    Ok(ExitStatus::Success)
}
