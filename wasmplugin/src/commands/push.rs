//! `peergate push`.

use std::path::{Path, PathBuf};

use clap::ValueHint;
use peergate_fault::{ExitStatus, Failure, Fault};
use peergate_insight::policy_text::{self, InvalidEdit, NoFilterImage};
use peergate_mesh::network;
use peergate_report::message::counts;
use policy_schema::diagnostic::Diagnostic;
use policy_schema::edit::EditError;
use policy_schema::validate::Options;
use thiserror::Error;

use crate::image::{self, InvalidLayout};
use crate::input::{Input, InputError, bytes, name_of};
use crate::output::{self, NewFile, Overwrite};
use crate::policy_file::changed_file;
use crate::progress::Progress;
use crate::registry::{self, Access, Destination, PushError};
use crate::{policies, report};

/// Push an image of the filter to a registry
///
/// Uses the credentials of `docker login`: the configuration in `DOCKER_CONFIG` or `~/.docker`, with its credential
/// helpers. Prints the reference with the digest, for `spec.filter.image` of the Mesh.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  peergate push image.tar registry.example.com/peergate/filter:0.1.0
  peergate push image.tar registry.example.com/peergate/filter --write policies/mesh.yaml

With `--write`, the reference is written to the Mesh, and `spec.filter.sha256`, which pins a
module at an `https://` URL, is removed. Nothing is pushed if the document would not be valid.")]
pub(crate) struct Args {
    /// The archive that `peergate package` wrote
    #[arg(value_name = "IMAGE", value_hint = ValueHint::FilePath)]
    image: PathBuf,
    /// REGISTRY/NAME[:TAG], with or without `oci://`
    #[arg(value_name = "DESTINATION")]
    destination: Destination,
    /// Write the reference to `spec.filter.image` of the Mesh in FILE
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// Use plain HTTP, for a registry without TLS
    #[arg(long)]
    plain_http: bool,
    /// PEM file with CA certificates to trust in addition to the system's
    #[arg(long, value_name = "FILE", conflicts_with = "plain_http")]
    ca_file: Option<PathBuf>,
}

/// Why an image is not pushed, or not written to the Mesh.
#[derive(Debug, Error)]
enum UploadError {
    #[error("`{name}` is not an image: {reason}")]
    InvalidImage { name: String, reason: InvalidLayout },
    #[error("nothing was pushed: cannot set the image in `{name}`: {reason}")]
    NoImageField { name: String, reason: EditError },
    /// The diagnostics have been shown.
    #[error("nothing was pushed: with the image, the document would not be valid: {0}")]
    InvalidWithImage(String),
    #[error("cannot push the image to `{registry}`: {reason}")]
    Push { registry: String, reason: PushError },
}

impl Fault for UploadError {
    fn status(&self) -> ExitStatus {
        match self {
            Self::Push { .. } => ExitStatus::Failure,
            Self::InvalidImage { .. } | Self::NoImageField { .. } | Self::InvalidWithImage(_) => {
                ExitStatus::Invalid
            }
        }
    }

    fn help(&self) -> Option<&str> {
        Some(match self {
            Self::InvalidImage { .. } => "build it with `peergate package`",
            Self::NoImageField {
                reason: EditError::NoMesh,
                ..
            } => "use the file with the `Mesh`",
            Self::NoImageField { .. } => {
                "remove `--write`, and copy the printed reference to `spec.filter.image`"
            }
            Self::InvalidWithImage(_) => "fix the problems above, then push again",
            Self::Push { reason, .. } => reason.help(),
        })
    }
}

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let invalid = |reason| UploadError::InvalidImage {
        name: args.image.display().to_string(),
        reason,
    };
    let image = image::from_tar(&bytes(&args.image)?).map_err(invalid)?;
    let reference = &args.destination.reference;
    let (registry, name) = (reference.registry(), reference.repository());
    let digest = image.digest().unwrap_or_default();
    let pinned = format!("oci://{registry}/{name}@{digest}");
    // A mesh that cannot be written is found before anything is pushed.
    let mesh = args.write.as_deref().map(|path| with_image(path, &pinned));
    let mesh = mesh.transpose()?;
    let access = Access {
        is_plain_http: args.plain_http,
        authorities: args.ca_file.as_deref().map(authorities).transpose()?,
    };
    {
        let _progress = Progress::spinner(format!("pushing to {registry}"));
        registry::push(&image, &args.destination, access).map_err(|reason| UploadError::Push {
            registry: registry.to_owned(),
            reason,
        })?;
    }
    output::write_stdout(format!("{pinned}\n").as_bytes())?;
    if let Some(mesh) = mesh {
        let path = mesh.path.clone();
        output::write_files(vec![mesh], Overwrite::Any)?;
        report::wrote(&path);
    }
    Ok(ExitStatus::Success)
}

/// The content of a file with CA certificates.
fn authorities(path: &Path) -> Result<Vec<u8>, Failure> {
    let pem = bytes(path)?;
    network::authorities(&name_of(path), &pem)?;
    Ok(pem)
}

/// The file with this image in its `Mesh`, otherwise unchanged.
fn with_image(path: &Path, pinned: &str) -> Result<NewFile, Failure> {
    let Input { sources, .. } = Input::read(&[path.to_owned()])?;
    let options = Options {
        at: policies::at_or_now(None),
        istio_version: None,
    };
    match policy_text::with_filter_image(&sources, pinned, options) {
        Ok((source, changed)) => changed_file(source, &changed),
        Err(NoFilterImage::NoText) => Err(InputError::EmptyFolder(path.to_owned()).into()),
        Err(NoFilterImage::NotWritable { name, reason }) => {
            Err(UploadError::NoImageField { name, reason }.into())
        }
        Err(NoFilterImage::InvalidEdit(InvalidEdit { texts, diagnostics })) => {
            report::diagnostics(&diagnostics, &texts);
            let severities = diagnostics.iter().map(Diagnostic::severity);
            Err(UploadError::InvalidWithImage(counts(severities)).into())
        }
    }
}
