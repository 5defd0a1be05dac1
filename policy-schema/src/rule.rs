//! Rules as they are meant: typed, sound, and built by [`check`](crate::check) alone.

mod condition;
pub(crate) mod namespace;
mod reading;
mod request_principal;
mod source;
mod spec;

use crate::matching::{PathMatch, TextMatch};
use crate::rule_spec::{Effect, Enforcement};
use crate::timestamp::Validity;

pub use condition::{Condition, MetadataKey, MetadataMatch, Place, Test, Values};
pub use request_principal::{InvalidRequestPrincipal, RequestPrincipal};
pub use source::{CertificateMatch, ServiceAccount, Source};
#[cfg(feature = "authoring")]
pub(crate) use spec::ip_block;

/// A rule that can be enforced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub(crate) id: Box<str>,
    pub(crate) effect: Effect,
    /// Who decides about what a `Custom` rule matches; none for all other effects.
    pub(crate) provider: Option<Box<str>>,
    pub(crate) enforcement: Option<Enforcement>,
    pub(crate) description: Option<Box<str>>,
    pub(crate) owner: Option<Box<str>>,
    pub(crate) validity: Validity,
    /// Any one of these; empty means no condition on the caller beyond the rule's effect: an
    /// identity for `Allow`, nothing for all others.
    pub(crate) sources: Vec<Source>,
    /// Any one of these; empty means every request.
    pub(crate) operations: Vec<Operation>,
    /// All of these.
    pub(crate) conditions: Vec<Condition>,
}

/// Requests: ALL the fields must match, in each list ANY value does; an empty list is no
/// condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operation {
    pub(crate) methods: Vec<TextMatch>,
    pub(crate) not_methods: Vec<TextMatch>,
    pub(crate) paths: Vec<PathMatch>,
    pub(crate) not_paths: Vec<PathMatch>,
    /// In lower case.
    pub(crate) hosts: Vec<TextMatch>,
    pub(crate) not_hosts: Vec<TextMatch>,
    pub(crate) ports: Vec<u16>,
    pub(crate) not_ports: Vec<u16>,
}
