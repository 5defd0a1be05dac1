//! The demo's files: documents that can be explained and changed, certificates, and what Envoy discovers.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::error::DemoError;

/// The documents of the example that concern the workload, with the rules of operators, and the accounts of callers.
const DOCUMENTS: [(&str, &str); 3] = [
    ("callers.yaml", include_str!("callers.yaml")),
    (
        "mesh.yaml",
        include_str!("../../../examples/online-boutique/mesh.yaml"),
    ),
    (
        "cartservice.yaml",
        concat!(
            include_str!("../../../examples/online-boutique/policies/cartservice.yaml"),
            include_str!("operators.yaml"),
        ),
    ),
];

/// A folder with all files of the demo. It is removed with this value.
#[derive(Debug)]
pub struct DemoFiles {
    folder: TempDir,
    documents: PathBuf,
}

impl DemoFiles {
    /// A new folder with the documents alone.
    pub fn new() -> Result<Self, DemoError> {
        let folder = TempDir::with_prefix("peergate-demo-")?;
        let documents = folder.path().join("documents");
        fs::create_dir(&documents)?;
        for (name, text) in DOCUMENTS {
            fs::write(documents.join(name), text)?;
        }
        Ok(Self { folder, documents })
    }

    /// The folder with the documents.
    pub fn documents(&self) -> &Path {
        &self.documents
    }

    /// Where the certificates and keys are: `ca.pem`, `SERVICE.cert.pem`, `SERVICE.key.pem`.
    pub(super) fn certificates(&self) -> &Path {
        self.folder.path()
    }

    /// Where Envoy's filters are to be.
    pub(super) fn filters(&self) -> PathBuf {
        self.folder.path().join("filters")
    }
}
