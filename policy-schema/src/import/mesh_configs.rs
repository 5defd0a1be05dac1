//! Finds the mesh configs in documents.

use serde_json::Value;

use super::objects::report;
use super::{Finding, Outcome};
use crate::code;
use crate::diagnostic::Place;
use crate::manifest::{ManifestObject, Part};
use crate::mesh_config::{MeshConfig, Placed, find, find_in_values, find_unread};
use crate::yaml::{self, Node};

/// A mesh config of the input.
#[derive(Debug)]
pub(super) struct MeshConfigSource {
    pub(super) config: MeshConfig,
    /// The version of Istio that is installed with it, as written.
    pub(super) istio_version: Option<String>,
    pub(super) place: Place,
}

/// Adds the mesh configs of a document, or reports that nothing of it is imported.
pub(super) fn add(
    part: &Part<'_>,
    source: usize,
    configs: &mut Vec<MeshConfigSource>,
    findings: &mut Vec<Finding>,
) {
    let (Part::Object(ManifestObject { node, .. }) | Part::Other(node)) = part;
    let (value, faults) = yaml::read::<Value>(node);
    let value = value.unwrap_or_default();
    let (kind, placed) = match part {
        Part::Object(object) => (object.kind, find(object.group(), object.kind, &value)),
        Part::Other(_) => ("", find_in_values(&value)),
    };
    let place = Place {
        source,
        span: node.head(),
    };
    if placed.is_empty() {
        let title = match part {
            Part::Object(object) => object.kind,
            Part::Other(_) => "document without `kind`",
        };
        findings.push(match find_unread(kind, &value) {
            Some(location) => Finding {
                place,
                outcome: Outcome::Noted,
                message: format!(
                    "the {title} has a mesh config in `{location}`, which is not read: pass it as Helm values of istiod, under `meshConfig`"
                ),
            },
            None => Finding {
                place,
                outcome: Outcome::Unrelated,
                message: title.to_owned(),
            },
        });
        return;
    }
    report(faults, Outcome::Fatal, source, findings);
    for placed in placed {
        configs.extend(read(placed, node, place, findings));
    }
}

/// Reads a mesh config, and refuses everything that istiod refuses.
fn read(
    placed: Placed,
    node: &Node,
    place: Place,
    findings: &mut Vec<Finding>,
) -> Option<MeshConfigSource> {
    let Some(config) = &placed.config else {
        findings.push(Finding {
            place,
            outcome: Outcome::Fatal,
            message: "the mesh config in `data.mesh` is not valid YAML with unique keys".to_owned(),
        });
        return None;
    };
    let (config, problems) = MeshConfig::read(config);
    findings.extend(problems.into_iter().map(|problem| Finding {
        place: Place {
            span: node.locate(&placed.locate(&problem.location)),
            ..place
        },
        outcome: if problem.code == code::UNKNOWN_FIELD {
            Outcome::Noted
        } else {
            Outcome::Fatal
        },
        message: format!("{}; {}", problem.message, problem.help),
    }));
    Some(MeshConfigSource {
        config: config?,
        istio_version: placed.istio_version,
        place,
    })
}
