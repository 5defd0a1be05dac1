//! Helm values of the Istio installation, which contain a mesh config.

use serde_json::Value;

use crate::diagnostic::Place;
use crate::mesh_config::{self, Placed};
use crate::yaml::{self, Node};

/// Helm values of Istio's chart `istiod`, or of a chart that includes it.
#[derive(Clone, Debug)]
pub struct HelmValues {
    value: Value,
    pub(super) place: Place,
}

impl HelmValues {
    /// Reads a document that is not an object. None if it contains no mesh config.
    pub(super) fn read(node: &Node, place: Place) -> Option<Self> {
        let (value, _) = yaml::read::<Value>(node);
        let values = Self {
            value: value?,
            place,
        };
        (!values.mesh_configs().is_empty()).then_some(values)
    }

    pub(super) fn mesh_configs(&self) -> Vec<Placed> {
        mesh_config::find_in_values(&self.value)
    }
}
