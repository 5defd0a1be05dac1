//! Rules as meant: typed, validated, and built only by [`check`](crate::check).

mod attributes;
mod condition;
pub mod namespace;
mod reading;
mod request_principal;
mod source;
mod spec;
mod terms;

use crate::matching::{PathMatch, TextMatch};
use crate::rule_spec::{Effect, Enforcement};
use crate::timestamp::Validity;

pub use condition::{Condition, MetadataKey, MetadataMatch, MetadataTarget, Test};
pub use request_principal::{InvalidRequestPrincipal, RequestPrincipal};
pub use source::{CertificateMatch, ServiceAccount, Source};
pub use spec::ip_block;
pub use terms::Terms;

/// A validated rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Unique in its policy: a DNS label.
    pub id: Box<str>,
    /// What happens to a request that matches.
    pub effect: Effect,
    /// The external authorizer of a `Custom` rule; `None` for other effects.
    pub provider: Option<Box<str>>,
    /// The rule's own enforcement; `None` to inherit the policy's.
    pub enforcement: Option<Enforcement>,
    /// A description for people.
    pub description: Option<Box<str>>,
    /// The owner of the rule.
    pub owner: Option<Box<str>>,
    /// When the rule applies.
    pub validity: Validity,
    /// One of these must match. If empty, `Allow` rules match every caller with an identity, and
    /// other rules match every caller.
    pub sources: Vec<Source>,
    /// One of these must match. If empty, every request matches.
    pub operations: Vec<Operation>,
    /// All of these must hold.
    pub conditions: Vec<Condition>,
}

/// Requests: ALL fields must match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operation {
    /// HTTP methods.
    pub methods: Terms<Vec<TextMatch>>,
    /// Paths without the query.
    pub paths: Terms<Vec<PathMatch>>,
    /// Hosts as in `:authority`, in lower case.
    pub hosts: Terms<Vec<TextMatch>>,
    /// Ports that the workload listens on.
    pub ports: Terms<Vec<u16>>,
}
