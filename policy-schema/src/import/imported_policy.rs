//! An imported policy.

use crate::diagnostic::Place;
use crate::document::ServicePolicyDocument;

/// A policy, and the objects that it was imported from.
#[derive(Clone, Debug)]
pub struct ImportedPolicy {
    /// The policy.
    pub document: ServicePolicyDocument,
    /// The objects that it was imported from.
    pub origins: Vec<Origin>,
    /// The origin of each of its rules.
    pub rule_origins: Vec<RuleOrigin>,
}

/// An object that a policy was imported from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The object, as `NAMESPACE/NAME`.
    pub object: String,
    /// Its place.
    pub place: Place,
    /// The comments about it.
    pub comments: Vec<String>,
}

/// A rule of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleOrigin {
    /// The object, as `NAMESPACE/NAME`.
    pub object: String,
    /// The index of the rule in the object, from 0.
    pub number: usize,
    /// Its place.
    pub place: Place,
    /// The comments about it.
    pub comments: Vec<String>,
}
