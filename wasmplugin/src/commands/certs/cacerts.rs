//! The folder of a cluster's authority: files for Istio's CA, and a Secret with them.

use std::path::Path;

use peergate_fault::Failure;
use peergate_mesh::certificates::plugged_in::PluggedIn;
use peergate_mesh::certificates::rotation::Kept;
use peergate_report::serialized;

use crate::input::bytes;
use crate::{output, report};

/// Reads a folder that [`write`] has written.
pub(super) fn read(folder: &Path) -> Result<Kept, Failure> {
    Ok(Kept {
        folder: folder.to_owned(),
        authority: PluggedIn::read(|name| text(folder, name))?,
    })
}

/// Writes the files and a Secret with all of them into an existing folder.
pub(super) fn write(folder: &Path, authority: &PluggedIn, namespace: &str) -> Result<(), Failure> {
    let secret = serialized::yaml(&authority.secret(namespace))?;
    let files: Vec<_> = authority
        .files()
        .into_iter()
        .chain([("cacerts.yaml", secret.as_str())])
        .map(|(name, content)| (name, content.as_bytes()))
        .collect();
    output::create_private(folder, &files)?;
    report::wrote_files(files.len(), folder);
    Ok(())
}

/// A text file.
pub(super) fn text(folder: &Path, name: &str) -> Result<String, Failure> {
    let content = bytes(&folder.join(name))?;
    Ok(String::from_utf8_lossy(&content).into_owned())
}
