//! What rules are read against.

use crate::identity::TrustDomains;
use crate::rule_spec::{Enforcement, Otherwise};

/// What the rules of a policy are read against.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The trust domains whose identities the mesh accepts; none when they are not known, and
    /// then no identity is foreign.
    pub trust_domains: Option<&'a TrustDomains>,
    /// The namespace that a service account without one belongs to.
    pub namespace: &'a str,
    /// Whether the policy as a whole is enforced.
    pub enforcement: Enforcement,
    /// What becomes of requests that no rule matches.
    pub otherwise: Otherwise,
    /// Whether the policy applies to gateways only.
    pub at_gateway: bool,
}
