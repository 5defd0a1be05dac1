//! Objects → a folder.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use peergate_fault::Failure;
use peergate_report::rendered::folder::{chart, kustomization, too_large_for_helm};
use peergate_report::rendered::object::{Object, Syntax};

use crate::out_args::ForceArgs;
use crate::{output, report};

/// The layout of an output folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Layout {
    /// Files and a `kustomization.yaml`, for `kubectl apply -k`
    #[default]
    Kustomization,
    /// A Helm chart with values, for `helm upgrade --install`
    HelmChart,
}

impl Layout {
    /// Writes the objects into the folder, and returns the paths of the files.
    pub(super) fn write(
        self,
        objects: &[Object],
        folder: &Path,
        syntax: Syntax,
        force: ForceArgs,
    ) -> Result<BTreeSet<PathBuf>, Failure> {
        let (files, note) = match self {
            Self::Kustomization => (kustomization(objects, syntax)?, None),
            Self::HelmChart => {
                let files = chart(objects, syntax)?;
                let note = too_large_for_helm(&files)?;
                output::create_folder(&folder.join("resources"))?;
                (files, note)
            }
        };
        let paths = files.iter().map(|file| folder.join(&file.path)).collect();
        force.write_folder(folder, files)?;
        note.into_iter().for_each(report::note);
        Ok(paths)
    }
}
