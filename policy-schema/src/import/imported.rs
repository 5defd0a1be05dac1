//! What comes of an import.

use super::finding::Finding;
use super::imported_policy::ImportedPolicy;
use super::replaced::Replaced;
use crate::document::MeshDocument;

/// What was made of Istio resources.
#[derive(Debug)]
pub struct Imported {
    /// The documents; none when something stands in the way of all of them.
    pub documents: Option<Documents>,
    /// What is to be known about it, in the order of the texts.
    pub findings: Vec<Finding>,
    /// What the input leaves open, and what is assumed or left out because of that.
    pub open: Vec<String>,
    /// What the documents match that Istio's resources do not: a sentence without a full stop for each kind.
    pub differences: Vec<String>,
}

/// The documents of an import. A `Mesh` takes them as they are.
#[derive(Debug)]
pub struct Documents {
    /// The mesh.
    pub mesh: MeshDocument,
    /// The policies, in the order of namespace and name.
    pub policies: Vec<ImportedPolicy>,
    /// The objects to be deleted once the rendered ones are in force, in this order.
    pub replaced: Vec<Replaced>,
}
