//! The result of an import.

use super::finding::Finding;
use super::imported_policy::ImportedPolicy;
use super::replaced::Replaced;
use crate::document::MeshDocument;

/// The result of an import.
#[derive(Debug)]
pub struct Imported {
    /// The documents. None if the import failed.
    pub documents: Option<Documents>,
    /// The findings, in the order of the texts.
    pub findings: Vec<Finding>,
    /// Open questions of the input, and what is assumed or left out because of them.
    pub open: Vec<String>,
    /// What the documents match beyond Istio's resources: a sentence without a full stop for each
    /// kind.
    pub differences: Vec<String>,
}

/// The documents of an import. They pass validation.
#[derive(Debug)]
pub struct Documents {
    /// The mesh.
    pub mesh: MeshDocument,
    /// The policies, sorted by namespace and name.
    pub policies: Vec<ImportedPolicy>,
    /// The objects to delete once the rendered ones are in force, in this order.
    pub replaced: Vec<Replaced>,
}
