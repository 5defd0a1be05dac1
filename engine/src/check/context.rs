//! The context in which rules are checked.

use crate::identity::TrustDomains;
use crate::rule_spec::{Enforcement, Otherwise};

/// What the checks of a policy's rules depend on.
#[derive(Clone, Copy, Debug)]
pub struct RuleContext<'a> {
    /// The trust domains whose identities the mesh accepts. Without them, no identity counts as
    /// foreign.
    pub trust_domains: Option<&'a TrustDomains>,
    /// The default namespace of service accounts.
    pub namespace: &'a str,
    /// Whether the policy as a whole is enforced.
    pub enforcement: Enforcement,
    /// What happens to a request that no rule matches.
    pub otherwise: Otherwise,
    /// Whether the policy applies to gateways only.
    pub at_gateway: bool,
}
