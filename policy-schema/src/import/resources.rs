//! Texts → the resources among them that are imported.

use std::collections::BTreeMap;

use super::Finding;
use super::mesh_configs::{self, MeshConfigSource};
use crate::diagnostic::{Place, SourceText};
use crate::istio::AuthorizationPolicy;
use crate::istio::peer_authentication::{MutualTlsMode, PeerAuthenticationSpec};
use crate::manifest::{self, Part};
use crate::policy::Labels;
use crate::yaml::{self, Fault, Node, Span};

/// Where Kubernetes puts an object that does not say where it belongs.
pub(super) const DEFAULT_NAMESPACE: &str = "default";

/// A resource and its place.
#[derive(Debug)]
pub(super) struct Placed<R> {
    pub(super) resource: R,
    pub(super) place: Place,
    /// Where each of its rules stands, if it has any.
    pub(super) rules: Vec<Place>,
}

impl<R> Placed<R> {
    fn without_rules(resource: R, place: Place) -> Self {
        Self {
            resource,
            place,
            rules: Vec::new(),
        }
    }
}

/// All resources of an import.
#[derive(Debug, Default)]
pub(super) struct Resources {
    pub(super) policies: Vec<Placed<AuthorizationPolicy>>,
    pub(super) peer_authentications: Vec<Placed<PeerAuthentication>>,
    pub(super) mesh_configs: Vec<MeshConfigSource>,
}

/// A `PeerAuthentication`, read.
#[derive(Debug)]
pub(super) struct PeerAuthentication {
    pub(super) name: String,
    pub(super) namespace: String,
    /// Empty for the whole namespace, or in the root namespace for the mesh.
    pub(super) labels: Labels,
    pub(super) mode: MutualTlsMode,
    pub(super) ports: BTreeMap<u16, MutualTlsMode>,
}

pub(super) fn read(sources: &[SourceText], findings: &mut Vec<Finding>) -> Resources {
    let mut resources = Resources::default();
    for (source, text) in sources.iter().enumerate() {
        match yaml::parse(&text.text) {
            Ok(nodes) => {
                let (parts, faults) = manifest::parts(&nodes);
                refuse_faults(faults, source, findings);
                for part in parts {
                    resources.add(part, source, findings);
                }
            }
            Err(faults) => refuse_faults(faults, source, findings),
        }
    }
    resources
}

impl Resources {
    fn add(&mut self, part: Part<'_>, source: usize, findings: &mut Vec<Finding>) {
        let (node, group, kind) = match &part {
            Part::Object(object) => (object.node, object.group(), object.kind),
            Part::Other(node) => (*node, "", ""),
        };
        let place = Place {
            source,
            span: node.head(),
        };
        match (group, kind) {
            ("security.istio.io", "AuthorizationPolicy") => {
                refuse_empty(node, source, findings);
                if let Some(resource) = read_node(node, source, findings) {
                    let rules = node.field("spec").and_then(|spec| spec.field("rules"));
                    let rules = rules.into_iter().flat_map(Node::elements);
                    self.policies.push(Placed {
                        resource,
                        place,
                        rules: rules
                            .map(|rule| Place {
                                source,
                                span: rule.head(),
                            })
                            .collect(),
                    });
                }
            }
            ("security.istio.io", "PeerAuthentication") => {
                let read = peer_authentication(node, source, findings);
                self.peer_authentications
                    .extend(read.map(|read| Placed::without_rules(read, place)));
            }
            _ => mesh_configs::add(&part, source, &mut self.mesh_configs, findings),
        }
    }
}

/// Reads the object's specification, and of its metadata the names alone.
fn peer_authentication(
    node: &Node,
    source: usize,
    findings: &mut Vec<Finding>,
) -> Option<PeerAuthentication> {
    let spec = match node.field("spec") {
        Some(spec) => read_node(spec, source, findings)?,
        None => PeerAuthenticationSpec::default(),
    };
    let metadata = node.field("metadata");
    let text = |key| metadata.and_then(|metadata| metadata.field(key)?.as_str());
    let mut ports = BTreeMap::new();
    for (port, mutual_tls) in &spec.port_level_mtls {
        let Some(port) = port.parse().ok().filter(|port| *port != 0) else {
            findings.push(Finding {
                place: Place {
                    source,
                    span: node.head(),
                },
                is_refused: true,
                message: format!("`{port}` in `portLevelMtls` is not a port"),
            });
            return None;
        };
        ports.insert(port, mutual_tls.mode);
    }
    Some(PeerAuthentication {
        name: text("name").unwrap_or_default().to_owned(),
        namespace: text("namespace").unwrap_or(DEFAULT_NAMESPACE).to_owned(),
        labels: spec.selector.unwrap_or_default().match_labels,
        mode: spec.mtls.unwrap_or_default().mode,
        ports,
    })
}

/// Refuses `from: []` and `to: []`, which would read as if they were left out: for everybody. Istio's
/// webhook refuses them too.
fn refuse_empty(policy: &Node, source: usize, findings: &mut Vec<Finding>) {
    let rules = policy.field("spec").and_then(|spec| spec.field("rules"));
    for rule in rules.into_iter().flat_map(Node::elements) {
        for key in ["from", "to"] {
            if rule.field(key).is_some_and(Node::is_empty_list) {
                findings.push(Finding {
                    place: Place {
                        source,
                        span: rule.head(),
                    },
                    is_refused: true,
                    message: format!("`{key}` is empty, and Istio refuses it: remove the field if the rule is for everything"),
                });
            }
        }
    }
}

fn read_node<R: serde::de::DeserializeOwned>(
    node: &Node,
    source: usize,
    findings: &mut Vec<Finding>,
) -> Option<R> {
    let (resource, faults) = yaml::read(node);
    let is_whole = faults.is_empty();
    refuse_faults(faults, source, findings);
    resource.filter(|_| is_whole)
}

pub(super) fn refuse_faults(faults: Vec<Fault>, source: usize, findings: &mut Vec<Finding>) {
    findings.extend(faults.into_iter().map(|fault| {
        let Fault {
            span,
            message,
            help,
            ..
        } = fault;
        Finding {
            place: Place { source, span },
            is_refused: true,
            message: format!("{message}; {help}"),
        }
    }));
}

/// Nowhere in particular.
pub(super) const NOWHERE: Place = Place {
    source: 0,
    span: Span { start: 0, end: 0 },
};
