//! A policy that was carried over.

use crate::diagnostic::Place;
use crate::document::ServicePolicyDocument;

/// A policy, and what it came from.
#[derive(Clone, Debug)]
pub struct ImportedPolicy {
    /// The policy.
    pub document: ServicePolicyDocument,
    /// The objects that it was made of.
    pub origins: Vec<Origin>,
    /// Where each of its rules comes from.
    pub rule_origins: Vec<RuleOrigin>,
}

/// An object that a policy was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The object, as `NAMESPACE/NAME`.
    pub object: String,
    /// Where it stands.
    pub place: Place,
    /// The comments about it.
    pub comments: Vec<String>,
}

/// A rule of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleOrigin {
    /// The object, as `NAMESPACE/NAME`.
    pub object: String,
    /// The rule's number in it, from 0.
    pub number: usize,
    /// Where it stands.
    pub place: Place,
    /// The comments about it.
    pub comments: Vec<String>,
}
