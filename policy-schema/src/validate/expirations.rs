//! Collects rules and exceptions from mutual TLS with a `notAfter`.

use super::placed::Placed;
use crate::diagnostic::Place;
use crate::document::{MeshDocument, ServicePolicyDocument};
use crate::plugin_config::PolicyName;
use crate::policy::{Mesh, ServicePolicy};
use crate::problem::Cursor;
use crate::timestamp::Timestamp;

/// A rule or exception with an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiration {
    /// The rule or exception.
    pub item: ExpiringItem,
    /// The owner.
    pub owner: Option<String>,
    /// The end, from which on it no longer applies.
    pub not_after: Timestamp,
    /// The place of the end in the documents.
    pub place: Place,
}

/// What has an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpiringItem {
    /// A rule of a policy.
    Rule {
        /// The policy.
        policy: PolicyName,
        /// The ID of the rule.
        rule: String,
    },
    /// An exception from mutual TLS.
    Exception {
        /// The namespace of the exception.
        namespace: String,
        /// The name of the exception.
        name: String,
    },
}

/// The exceptions of the mesh.
pub(super) fn for_mesh(
    document: Option<&Placed<'_, MeshDocument>>,
    mesh: Option<&Mesh>,
) -> Vec<Expiration> {
    let (Some(document), Some(mesh)) = (document, mesh) else {
        return Vec::new();
    };
    let spec = Cursor::Root;
    let spec = spec.key("spec");
    let mtls = spec.key("mtls");
    let cursor = mtls.key("exceptions");
    let exceptions = mesh.mtls.exceptions.iter().map(|exception| Expiration {
        item: ExpiringItem::Exception {
            namespace: exception.namespace.clone(),
            name: exception.name.clone(),
        },
        owner: Some(exception.owner.clone()),
        not_after: exception.not_after,
        place: document.place_of(&cursor.index(exception.position).key("notAfter")),
    });
    exceptions.collect()
}

/// The rules of a policy.
pub(super) fn for_policy(
    document: &Placed<'_, ServicePolicyDocument>,
    policy: &ServicePolicy,
) -> Vec<Expiration> {
    let spec = Cursor::Root;
    let spec = spec.key("spec");
    let cursor = spec.key("rules");
    let rules = policy.rules.iter().enumerate();
    let expirations = rules.filter_map(|(position, rule)| {
        Some(Expiration {
            item: ExpiringItem::Rule {
                policy: policy.name.clone(),
                rule: rule.id.to_string(),
            },
            owner: rule.owner.as_deref().map(str::to_owned),
            not_after: rule.validity.not_after?,
            place: document.place_of(&cursor.index(position).key("notAfter")),
        })
    });
    expirations.collect()
}
