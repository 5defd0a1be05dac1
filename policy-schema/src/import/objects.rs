//! Reads the imported parts of Kubernetes objects.

use std::collections::BTreeMap;

use super::comments::{Comments, Written};
use super::{Finding, Outcome};
use crate::check::{is_dns_label, is_object_name};
use crate::diagnostic::Place;
use crate::istio::AuthorizationPolicy;
use crate::istio::ObjectMetadata;
use crate::istio::authorization_policy::AuthorizationPolicySpec;
use crate::istio::peer_authentication::{MutualTlsMode, PeerAuthenticationSpec};
use crate::policy::Labels;
use crate::yaml::{self, Fault, Node, quoted};

/// A resource and its place.
#[derive(Debug)]
pub(super) struct Placed<R> {
    pub(super) resource: R,
    pub(super) place: Place,
    /// The places of its rules.
    pub(super) rules: Vec<Place>,
    pub(super) comments: Comments,
}

impl<R> Placed<R> {
    pub(super) fn without_rules(resource: R, place: Place) -> Self {
        Self {
            resource,
            place,
            rules: Vec::new(),
            comments: Comments::default(),
        }
    }
}

/// A parsed `PeerAuthentication`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PeerAuthentication {
    pub(super) name: String,
    pub(super) namespace: String,
    /// Empty for the whole namespace, or in the root namespace for the mesh.
    pub(super) labels: Labels,
    pub(super) mode: MutualTlsMode,
    pub(super) ports: BTreeMap<u16, MutualTlsMode>,
}

/// Reads an object. None if any part of it cannot be read, which is reported.
pub(super) fn authorization_policy(
    node: &Node,
    place: Place,
    namespace: &str,
    written: Written<'_>,
    findings: &mut Vec<Finding>,
) -> Option<Placed<AuthorizationPolicy>> {
    let source = place.source;
    let spec = node.field("spec");
    let rules = spec.and_then(|spec| spec.field("rules"));
    let rules = rules.map_or(&[][..], Node::elements);
    let is_said = rules.iter().all(|rule| check_lists(rule, source, findings));
    let is_known = check_fields(node, source, findings);
    note_dropped_labels(spec, source, findings);
    let metadata = object_metadata(node, namespace, source, findings);
    let spec: Option<AuthorizationPolicySpec> = match spec {
        Some(spec) => read_node("spec", spec, source, Outcome::LeftOut, findings),
        None => Some(AuthorizationPolicySpec::default()),
    };
    let resource = AuthorizationPolicy {
        api_version: String::new(),
        kind: String::new(),
        metadata: metadata?,
        spec: spec?,
    };
    (is_said && is_known).then(|| Placed {
        resource,
        place,
        comments: written.about(node, rules),
        rules: rules.iter().map(|rule| rule_place(rule, source)).collect(),
    })
}

/// The fields of an object. Those that the API server adds are ignored.
const FIELDS: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];

/// Reports unknown fields.
fn check_fields(object: &Node, source: usize, findings: &mut Vec<Finding>) -> bool {
    let unknown = object.keys().filter(|(key, _)| !FIELDS.contains(key));
    let unknown = unknown.map(|(key, span)| Finding {
        place: Place { source, span },
        outcome: Outcome::LeftOut,
        message: format!("`{key}` is not a field of an object; rules are in `spec`"),
    });
    let before = findings.len();
    findings.extend(unknown);
    findings.len() == before
}

/// The user's metadata. The rest belongs to the API server.
fn object_metadata(
    object: &Node,
    namespace: &str,
    source: usize,
    findings: &mut Vec<Finding>,
) -> Option<ObjectMetadata> {
    let metadata = object.field("metadata");
    let field = |key| metadata.and_then(|metadata| metadata.field(key));
    let Some(name) = field("name").or_else(|| field("generateName")) else {
        findings.push(Finding {
            place: Place {
                source,
                span: object.head(),
            },
            outcome: Outcome::LeftOut,
            message: "the object has no name; add `metadata.name`".to_owned(),
        });
        return None;
    };
    let mut texts = |key| match field(key) {
        Some(node) => read_node(key, node, source, Outcome::LeftOut, findings),
        None => Some(BTreeMap::new()),
    };
    let (labels, annotations) = (texts("labels"), texts("annotations"));
    let mut text = |key, node| read_node::<String>(key, node, source, Outcome::LeftOut, findings);
    let place = name.span();
    let name = text("name", name);
    // A namespace that is not text is not ignored.
    let is_text = field("namespace").is_none_or(|node| text("namespace", node).is_some());
    let name = name?;
    for (kind, text, is_valid) in [
        ("name", &*name, is_object_name(&name)),
        ("namespace", namespace, is_dns_label(namespace)),
    ] {
        if !is_valid {
            findings.push(Finding {
                place: Place {
                    source,
                    span: place,
                },
                outcome: Outcome::LeftOut,
                message: format!("{} is not a valid Kubernetes {kind}", quoted(text)),
            });
            return None;
        }
    }
    Some(ObjectMetadata {
        name,
        namespace: is_text.then(|| namespace.to_owned())?,
        labels: labels?,
        annotations: annotations?,
    })
}

pub(super) fn name_of(object: &Node) -> &str {
    let metadata = object.field("metadata");
    let name = metadata.and_then(|metadata| metadata.field("name")?.as_str());
    name.unwrap_or_default()
}

/// Reports a selector that is empty in Kubernetes because its fields have no value.
fn note_dropped_labels(spec: Option<&Node>, source: usize, findings: &mut Vec<Finding>) {
    let selector = spec.and_then(|spec| spec.field("selector"));
    let labels = selector.and_then(|selector| selector.field("matchLabels"));
    let places = [(spec, "selector"), (selector, "matchLabels")];
    let dropped = places
        .into_iter()
        .filter_map(|(parent, key)| Some((parent?, key)));
    let mut dropped: Vec<(&Node, String)> = dropped
        .map(|(parent, key)| (parent, key.to_owned()))
        .collect();
    for (key, _) in labels.into_iter().flat_map(Node::keys) {
        dropped.extend(labels.map(|labels| (labels, key.to_owned())));
    }
    for (parent, key) in dropped {
        let place = parent.keys().find(|(known, _)| *known == key);
        if let (Some((_, span)), None) = (place, parent.field(&key)) {
            findings.push(Finding {
                place: Place { source, span },
                outcome: Outcome::Noted,
                message: format!(
                    "{} has no value, so Kubernetes drops it: the policy applies to more workloads",
                    quoted(&key)
                ),
            });
        }
    }
}

fn rule_place(rule: &Node, source: usize) -> Place {
    Place {
        source,
        span: rule.head(),
    }
}

/// Whether `from` and `to` of a rule are unambiguous. `[]` would look as if they were absent and
/// matched everything, and Istio's webhook refuses it. An absent value does match everything in a
/// cluster, which is noted.
fn check_lists(rule: &Node, source: usize, findings: &mut Vec<Finding>) -> bool {
    let mut is_said = true;
    for (key, _) in rule.keys().filter(|(key, _)| ["from", "to"].contains(key)) {
        let (outcome, message) = match rule.field(key) {
            Some(list) if list.is_empty_list() => (
                Outcome::LeftOut,
                format!(
                    "`{key}` is empty, which Istio rejects: remove the field if the rule should match everything"
                ),
            ),
            None => (
                Outcome::Noted,
                format!(
                    "`{key}` has no value, so Kubernetes drops it: the rule matches everything"
                ),
            ),
            Some(_) => continue,
        };
        is_said &= outcome == Outcome::Noted;
        findings.push(Finding {
            place: rule_place(rule, source),
            outcome,
            message,
        });
    }
    is_said
}

/// Reads the object's spec, and of its metadata only the names.
pub(super) fn peer_authentication(
    node: &Node,
    namespace: String,
    source: usize,
    findings: &mut Vec<Finding>,
) -> Option<PeerAuthentication> {
    let spec = match node.field("spec") {
        Some(spec) => read_node("spec", spec, source, Outcome::LeftOut, findings)?,
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
                outcome: Outcome::LeftOut,
                message: format!("invalid port `{port}` in `portLevelMtls`"),
            });
            return None;
        };
        ports.insert(port, mutual_tls.mode);
    }
    Some(PeerAuthentication {
        name: text("name").unwrap_or_default().to_owned(),
        namespace,
        labels: spec.selector.unwrap_or_default().match_labels,
        mode: spec.mtls.unwrap_or_default().mode,
        ports,
    })
}

/// Reads the field `name`, and reports everything in it that is not understood, with the outcome.
fn read_node<R: serde::de::DeserializeOwned>(
    name: &str,
    node: &Node,
    source: usize,
    otherwise: Outcome,
    findings: &mut Vec<Finding>,
) -> Option<R> {
    let (resource, faults) = yaml::read_as(name, node);
    let is_whole = faults.is_empty();
    report(faults, otherwise, source, findings);
    resource.filter(|_| is_whole)
}

pub(super) fn report(
    faults: Vec<Fault>,
    outcome: Outcome,
    source: usize,
    findings: &mut Vec<Finding>,
) {
    findings.extend(faults.into_iter().map(|fault| {
        let Fault {
            span,
            message,
            help,
            ..
        } = fault;
        Finding {
            place: Place { source, span },
            outcome,
            message: format!("{message}; {help}"),
        }
    }));
}
