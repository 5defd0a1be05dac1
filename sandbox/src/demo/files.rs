//! The demo's files: documents, certificates and delivered filters.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::error::DemoError;

/// The example's documents for the workload, rules of operators, and service accounts of callers.
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

/// A folder with all files of the demo. It is deleted when dropped.
#[derive(Debug)]
pub struct DemoFiles {
    folder: TempDir,
    documents: PathBuf,
}

impl DemoFiles {
    /// Creates a folder with only the documents.
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

    /// The folder with certificates and keys: `ca.pem`, `SERVICE.cert.pem`, `SERVICE.key.pem`.
    pub(super) fn certificates(&self) -> &Path {
        self.folder.path()
    }

    /// The folder for delivered filters.
    pub(super) fn filters(&self) -> PathBuf {
        self.folder.path().join("filters")
    }
}
