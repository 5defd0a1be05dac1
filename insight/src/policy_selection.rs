//! Which policies a command is about: all, those of a namespace, or one.

use std::collections::BTreeSet;

use policy_schema::plugin_config::PolicyName;
use policy_schema::policy::{PolicySet, ServicePolicy};

use crate::policy_lookup::{self, PolicyLookupError};

/// Which policies are selected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PolicySelection {
    /// Every policy.
    #[default]
    All,
    /// The policies of a namespace.
    Namespace(String),
    /// One policy.
    Policy(PolicyName),
}

impl PolicySelection {
    /// Whether every policy is selected.
    pub fn is_all(&self) -> bool {
        *self == Self::All
    }

    /// Whether the policy is selected.
    pub fn contains(&self, policy: &PolicyName) -> bool {
        match self {
            Self::All => true,
            Self::Namespace(namespace) => policy.namespace == *namespace,
            Self::Policy(name) => policy == name,
        }
    }

    /// The selected policies of a set.
    ///
    /// # Errors
    ///
    /// If a policy or namespace is selected that the set does not have.
    pub fn policies<'s>(
        &self,
        set: &'s PolicySet,
    ) -> Result<Vec<&'s ServicePolicy>, PolicyLookupError> {
        let names = set.policies().iter().map(ServicePolicy::name);
        self.check(&names.cloned().collect())?;
        let policies = set.policies().iter();
        Ok(policies
            .filter(|policy| self.contains(policy.name()))
            .collect())
    }

    /// Checks that at least one of these policies is selected.
    ///
    /// # Errors
    ///
    /// If a policy or namespace is selected that none of them has.
    pub fn check(&self, known: &BTreeSet<PolicyName>) -> Result<(), PolicyLookupError> {
        match self {
            Self::All => Ok(()),
            Self::Namespace(namespace) => policy_lookup::check_namespace(namespace, known),
            Self::Policy(name) => policy_lookup::check_policy(name, known),
        }
    }
}
