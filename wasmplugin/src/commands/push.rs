//! `peergate push`.

use std::path::{Path, PathBuf};

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
use crate::output::{self, NewFile};
use crate::policy_file::changed_file;
use crate::registry::{self, Access, Destination, PushError};
use crate::{policies, report};

/// Upload an image of the filter to a registry
///
/// Credentials are those that `docker login` left: the configuration in `DOCKER_CONFIG` or `~/.docker`, credential
/// helpers included.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  peergate push image.tar registry.example.com/peergate/filter:0.1.0
  peergate push image.tar registry.example.com/peergate/filter --write policies/mesh.yaml

Prints the reference with the digest, for `spec.filter.image` of the `Mesh`; with `--write` it is put there, and a
`sha256` of an earlier module is removed. Nothing is uploaded if the file would not be valid.

Exit codes: 0 uploaded; 1 a file or the registry failed; 3 the image, the reference or the `Mesh` is not one.")]
pub(crate) struct Args {
    /// What `peergate package` made
    image: PathBuf,
    /// The registry, the name there, and if wanted a tag; `oci://` may stand before it
    destination: Destination,
    /// The file with the `Mesh` whose `spec.filter.image` is to name the image
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// Speak plain HTTP with the registry, such as one on this machine
    #[arg(long)]
    plain_http: bool,
    /// A PEM file with authorities for the registry's certificate, beside those of the system
    #[arg(long, value_name = "FILE", conflicts_with = "plain_http")]
    ca_file: Option<PathBuf>,
}

/// Why an image is not uploaded, or not named by the `Mesh`.
#[derive(Debug, Error)]
enum UploadError {
    #[error("`{name}` is no image: {reason}")]
    InvalidImage { name: String, reason: InvalidLayout },
    #[error("nothing is uploaded: the image cannot be written into `{name}`: {reason}")]
    NoImageField { name: String, reason: EditError },
    /// The diagnostics have been shown.
    #[error("nothing is uploaded: with the image, the file would not be valid: {0}")]
    InvalidWithImage(String),
    #[error("the image is not uploaded: {0}")]
    Push(PushError),
}

impl Fault for UploadError {
    fn status(&self) -> ExitStatus {
        match self {
            Self::Push(_) => ExitStatus::Failure,
            Self::InvalidImage { .. } | Self::NoImageField { .. } | Self::InvalidWithImage(_) => {
                ExitStatus::Invalid
            }
        }
    }

    fn help(&self) -> Option<&str> {
        Some(match self {
            Self::InvalidImage { .. } => "make it with `peergate package`",
            Self::NoImageField {
                reason: EditError::NoMesh,
                ..
            } => "name the file with the `Mesh`",
            Self::NoImageField { .. } => {
                "leave `--write` out, and put the reference that is printed under `spec.filter.image` by hand"
            }
            Self::InvalidWithImage(_) => "mend what is shown above, and try again",
            Self::Push(reason) => reason.help(),
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
    // A mesh that cannot be written is found before anything is uploaded.
    let mesh = args.write.as_deref().map(|path| with_image(path, &pinned));
    let mesh = mesh.transpose()?;
    let access = Access {
        is_plain_http: args.plain_http,
        authorities: args.ca_file.as_deref().map(authorities).transpose()?,
    };
    registry::push(&image, &args.destination, access).map_err(UploadError::Push)?;
    output::write_stdout(format!("{pinned}\n").as_bytes())?;
    if let Some(mesh) = mesh {
        let path = mesh.path.clone();
        output::write_files(vec![mesh])?;
        report::wrote(&path);
    }
    Ok(ExitStatus::Success)
}

/// A file with authorities, as it is.
fn authorities(path: &Path) -> Result<Vec<u8>, Failure> {
    let pem = bytes(path)?;
    network::authorities(&name_of(path), &pem)?;
    Ok(pem)
}

/// The file with this image in its `Mesh`, and everything else as it was.
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
