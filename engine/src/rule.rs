//! Rules as they are meant: typed, sound, and built by [`check`](crate::check) alone.

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

pub use condition::{Condition, MetadataKey, MetadataMatch, Place, Test};
pub use request_principal::{InvalidRequestPrincipal, RequestPrincipal};
pub use source::{CertificateMatch, ServiceAccount, Source};
pub use spec::ip_block;
pub use terms::Terms;

/// A rule that can be enforced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Unique in its policy: a DNS label.
    pub id: Box<str>,
    /// What happens to a request that matches.
    pub effect: Effect,
    /// Who decides about what a `Custom` rule matches; none for all other effects.
    pub provider: Option<Box<str>>,
    /// The rule's own enforcement; none where the policy's holds.
    pub enforcement: Option<Enforcement>,
    /// For readers of the document.
    pub description: Option<Box<str>>,
    /// Whom to ask about the rule.
    pub owner: Option<Box<str>>,
    /// When the rule is in force.
    pub validity: Validity,
    /// Any one of these; empty means no condition on the caller beyond the rule's effect: an
    /// identity for `Allow`, nothing for all others.
    pub sources: Vec<Source>,
    /// Any one of these; empty means every request.
    pub operations: Vec<Operation>,
    /// All of these.
    pub conditions: Vec<Condition>,
}

/// Requests: ALL the fields must match.
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
