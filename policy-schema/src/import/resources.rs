//! Texts → the resources among them that are imported.

use serde_json::Value;

use super::Finding;
use crate::diagnostic::{Place, SourceText};
use crate::istio::AuthorizationPolicy;
use crate::yaml::{self, Fault, Node, Span};

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
    /// `PeerAuthentication` objects.
    pub(super) peer_authentications: Vec<Placed<Value>>,
    /// Mesh configs, as they stand in a `ConfigMap` or an `IstioOperator`.
    pub(super) mesh_configs: Vec<Placed<Value>>,
}

pub(super) fn read(sources: &[SourceText], findings: &mut Vec<Finding>) -> Resources {
    let mut resources = Resources::default();
    for (source, text) in sources.iter().enumerate() {
        match yaml::parse(&text.text) {
            Ok(nodes) => {
                for node in &nodes {
                    resources.add(node, source, findings);
                }
            }
            Err(faults) => refuse_faults(faults, source, findings),
        }
    }
    resources
}

impl Resources {
    fn add(&mut self, node: &Node, source: usize, findings: &mut Vec<Finding>) {
        let place = Place {
            source,
            span: node.head(),
        };
        let text = |key| node.field(key).and_then(Node::as_str).unwrap_or_default();
        let (group, kind) = (
            text("apiVersion").split('/').next().unwrap_or_default(),
            text("kind"),
        );
        match (group, kind) {
            ("v1", "List") => {
                for item in node.field("items").into_iter().flat_map(Node::elements) {
                    self.add(item, source, findings);
                }
            }
            ("security.istio.io", "AuthorizationPolicy") => {
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
                if let Some(resource) = read_node(node, source, findings) {
                    self.peer_authentications
                        .push(Placed::without_rules(resource, place));
                }
            }
            ("v1", "ConfigMap") => {
                let mesh = node.field("data").and_then(|data| data.field("mesh"));
                if let Some(text) = mesh.and_then(Node::as_str) {
                    self.add_mesh_config_text(text, place, findings);
                }
            }
            ("install.istio.io", "IstioOperator") => {
                let config = node.field("spec").and_then(|spec| spec.field("meshConfig"));
                if let Some(resource) =
                    config.and_then(|config| read_node(config, source, findings))
                {
                    self.mesh_configs
                        .push(Placed::without_rules(resource, place));
                }
            }
            _ => findings.push(Finding {
                place,
                is_refused: false,
                message: format!(
                    "`{kind}` of `{group}` has no part in what is imported: AuthorizationPolicy, PeerAuthentication, and mesh config in the ConfigMap `istio` or an IstioOperator"
                ),
            }),
        }
    }

    /// The mesh config in a `ConfigMap` is a text of its own.
    fn add_mesh_config_text(&mut self, text: &str, place: Place, findings: &mut Vec<Finding>) {
        let nodes = yaml::parse(text).unwrap_or_default();
        let config = nodes.first().and_then(|node| yaml::read(node).0);
        match config {
            Some(resource) => self
                .mesh_configs
                .push(Placed::without_rules(resource, place)),
            None => findings.push(Finding {
                place,
                is_refused: true,
                message: "the mesh config in `data.mesh` is not YAML".to_owned(),
            }),
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

fn refuse_faults(faults: Vec<Fault>, source: usize, findings: &mut Vec<Finding>) {
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
