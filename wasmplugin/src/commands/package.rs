//! `peergate package`.

use std::fs;
use std::path::{Path, PathBuf};

use peergate_fault::{ExitStatus, Failure, Fault};
use peergate_report::serialized::SerializeError;
use thiserror::Error;

use crate::image::{self, BuildInfo, Image, InvalidBuildInfo, NotAModule, WASM_MAGIC};
use crate::input::{InputError, bytes};
use crate::out_args::ForceArgs;
use crate::output::{self, NewFile, Overwrite};
use crate::report;

/// Build the OCI image from which sidecars load the filter
///
/// The image has one layer with `plugin.wasm`, a bill of materials (CycloneDX) and an unsigned provenance statement
/// (in-toto, SLSA). Prints the digest of the image. The same module always gives the same digest. No container engine
/// is needed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  make filter
  peergate package --filter target/filter/peergate_filter.wasm --out image.tar
  peergate push image.tar registry.example.com/peergate/filter:0.1.0")]
pub(crate) struct Args {
    /// The filter as a WebAssembly module, which `make filter` builds
    #[arg(
        long,
        value_name = "FILE",
        env = "PEERGATE_FILTER",
        hide_env_values = true
    )]
    filter: PathBuf,
    /// How the module was built, for its provenance [default: the module's name, ending in `.build.json`]
    #[arg(long, value_name = "FILE")]
    build_info: Option<PathBuf>,
    /// Write the image to FILE, an OCI layout as a tar archive, or to stdout for `-`
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    force: ForceArgs,
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
        Some("build module and build info with `make filter`")
    }
}

/// The default build info cannot be read.
#[derive(Debug, Error)]
#[error(transparent)]
struct NoBuildInfo(InputError);

impl Fault for NoBuildInfo {
    fn status(&self) -> ExitStatus {
        self.0.status()
    }

    fn help(&self) -> Option<&str> {
        Some(
            "name the build info with `--build-info`, or build module and build info with `make filter`",
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
    let image = Image::from_module(&module, &build).map_err(SerializeError::Json)?;
    let archive = image::to_tar(&image).map_err(SerializeError::Json)?;
    // With the image on stdout, the digest would corrupt it.
    if args.out.as_os_str() == "-" {
        output::write_stdout(&archive)?;
        return Ok(ExitStatus::Success);
    }
    write(args, archive)?;
    let digest = image.digest().unwrap_or_default();
    output::write_stdout(format!("{digest}\n").as_bytes())?;
    Ok(ExitStatus::Success)
}

fn write(args: &Args, archive: Vec<u8>) -> Result<(), Failure> {
    let overwrite = if is_own_image(&args.out) {
        Overwrite::Any
    } else {
        args.force.overwrite()
    };
    let path = args.out.clone();
    let file = NewFile {
        path,
        content: archive,
    };
    output::write_files(vec![file], overwrite)?;
    report::wrote(&args.out);
    Ok(())
}

/// Whether the file is an image that Peergate packaged, and nothing else: packaging its content again gives the same
/// bytes.
fn is_own_image(path: &Path) -> bool {
    let is_same = |existing: Vec<u8>| {
        let image = image::from_tar(&existing).ok()?;
        Some(image::to_tar(&image).ok()? == existing)
    };
    fs::read(path).ok().and_then(is_same).unwrap_or_default()
}
