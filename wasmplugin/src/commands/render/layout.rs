//! Objects → a folder.

use std::path::Path;

use peergate_fault::Failure;
use peergate_report::rendered::folder::{chart, kustomization, too_large_for_helm};
use peergate_report::rendered::object::{Object, Syntax};

use crate::out_args::ForceArgs;
use crate::{output, report};

/// What lists the objects of a folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Layout {
    /// A `kustomization.yaml`, for `kubectl apply -k`
    #[default]
    Kustomization,
    /// A chart, for `helm upgrade --install`
    HelmChart,
}

impl Layout {
    /// Writes the objects into the folder `path`.
    pub(super) fn write(
        self,
        objects: &[Object],
        path: &Path,
        syntax: Syntax,
        force: ForceArgs,
    ) -> Result<(), Failure> {
        match self {
            Self::Kustomization => {
                force.write_folder(path, kustomization(objects, syntax)?)?;
            }
            Self::HelmChart => {
                let files = chart(objects, syntax)?;
                let note = too_large_for_helm(&files)?;
                output::create_folder(&path.join("resources"))?;
                force.write_folder(path, files)?;
                note.into_iter().for_each(report::note);
            }
        }
        Ok(())
    }
}
