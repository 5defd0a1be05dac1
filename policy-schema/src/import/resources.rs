//! Finds the imported resources in texts.

use super::attachment::{Attachment, Unread};
use super::comments::Written;
use super::mesh_configs::{self, MeshConfigSource};
use super::objects::{
    PeerAuthentication, Placed, authorization_policy, name_of, peer_authentication, report,
};
use super::unreadable::{self, Mentioned};
use super::{Finding, Outcome};
use crate::diagnostic::{Place, SourceText};
use crate::istio::AuthorizationPolicy;
use crate::manifest::{self, Part};
use crate::yaml::{self, Manifest, Node, Span, Unreadable};

/// The namespace of Kubernetes objects that do not set one.
const DEFAULT_NAMESPACE: &str = "default";

/// All resources of an import.
#[derive(Debug, Default)]
pub(super) struct Resources {
    pub(super) policies: Vec<Placed<AuthorizationPolicy>>,
    /// Policies that cannot be read completely.
    pub(super) unread: Vec<Unread>,
    /// Whether there may be unreadable policies for any workload.
    pub(super) unread_anywhere: bool,
    pub(super) peer_authentications: Vec<Placed<PeerAuthentication>>,
    pub(super) has_unread_peer_authentication: bool,
    pub(super) mesh_configs: Vec<MeshConfigSource>,
    /// The namespace of objects that do not set one.
    namespace: String,
    /// The number of such objects.
    pub(super) without_namespace: usize,
}

pub(super) fn read(
    sources: &[SourceText],
    namespace: Option<&str>,
    findings: &mut Vec<Finding>,
) -> Resources {
    let mut resources = Resources {
        namespace: namespace.unwrap_or(DEFAULT_NAMESPACE).to_owned(),
        ..Resources::default()
    };
    for (source, text) in sources.iter().enumerate() {
        for manifest in yaml::manifests(&text.text) {
            match manifest {
                Ok(Manifest { document, comments }) => {
                    let written = Written {
                        text: &text.text,
                        document: &document,
                        comments: &comments,
                    };
                    resources.add_document(written, source, findings);
                }
                Err(Unreadable { span, fault }) => {
                    let document = text.text.get(span.start..span.end).unwrap_or_default();
                    resources.add_unreadable(&unreadable::mentioned(document));
                    report(vec![fault], Outcome::Unreadable, source, findings);
                }
            }
        }
    }
    resources
}

impl Resources {
    /// Records an unreadable document by the kinds and namespaces that it mentions.
    fn add_unreadable(&mut self, mentioned: &Mentioned<'_>) {
        self.has_unread_peer_authentication |= mentioned.peer_authentication;
        if !mentioned.authorization_policy {
            return;
        }
        match mentioned.namespaces.as_slice() {
            [namespace] => self.unread.push(Unread {
                attachment: Attachment::for_namespace(namespace),
                name: String::new(),
            }),
            _ => self.unread_anywhere = true,
        }
    }

    fn add_document(&mut self, written: Written<'_>, source: usize, findings: &mut Vec<Finding>) {
        let (parts, faults) = manifest::parts(written.document);
        report(faults, Outcome::Unreadable, source, findings);
        for part in parts {
            self.add(part, source, written, findings);
        }
    }

    fn add(
        &mut self,
        part: Part<'_>,
        source: usize,
        written: Written<'_>,
        findings: &mut Vec<Finding>,
    ) {
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
                let namespace = self.namespace_of(node);
                match authorization_policy(node, place, &namespace, written, findings) {
                    Some(policy) => self.policies.push(policy),
                    None => self.unread.push(Unread {
                        attachment: Attachment::from_node(node, &namespace),
                        name: name_of(node).to_owned(),
                    }),
                }
            }
            ("security.istio.io", "PeerAuthentication") => {
                let namespace = self.namespace_of(node);
                let read = peer_authentication(node, namespace, source, findings);
                self.has_unread_peer_authentication |= read.is_none();
                self.peer_authentications
                    .extend(read.map(|read| Placed::without_rules(read, place)));
            }
            _ => mesh_configs::add(&part, source, &mut self.mesh_configs, findings),
        }
    }

    /// The namespace of an object.
    fn namespace_of(&mut self, object: &Node) -> String {
        let metadata = object.field("metadata");
        let namespace = metadata.and_then(|metadata| metadata.field("namespace")?.as_str());
        // Kubernetes treats an empty one as absent.
        if let Some(namespace) = namespace.filter(|namespace| !namespace.is_empty()) {
            return namespace.to_owned();
        }
        self.without_namespace += 1;
        self.namespace.clone()
    }
}

/// A place for findings without one.
pub(super) const NOWHERE: Place = Place {
    source: 0,
    span: Span { start: 0, end: 0 },
};
