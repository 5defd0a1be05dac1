//! Finds policies by name.

use std::collections::BTreeSet;

use peergate_fault::{ExitStatus, Fault};
use policy_schema::plugin_config::PolicyName;
use policy_schema::policy::{PolicySet, ServicePolicy};
use thiserror::Error;

/// The maximum number of names to list. Longer lists do not help.
const MAX_NAMES: usize = 8;

/// Why a policy was not found.
#[derive(Debug, Error)]
pub enum PolicyLookupError {
    /// No policy has the name.
    #[error("unknown policy `{name}`")]
    Unknown {
        /// The requested name.
        name: String,
        /// A hint with the known names.
        help: String,
    },
    /// No policy is in the namespace.
    #[error("namespace `{namespace}` has no policy")]
    UnknownNamespace {
        /// The namespace that is asked for.
        namespace: String,
        /// Which namespaces there are.
        help: String,
    },
    /// None is named, and there are so many.
    #[error("expected exactly one policy, found {0}")]
    Several(usize),
    /// None is named, and there is none.
    #[error("the documents contain no policy")]
    None,
}

impl Fault for PolicyLookupError {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        Some(match self {
            Self::Unknown { help, .. } | Self::UnknownNamespace { help, .. } => help,
            Self::Several(_) => "choose one with `--policy NAMESPACE/NAME`",
            Self::None => "add a document of kind `ServicePolicy`",
        })
    }
}

/// The only one of these policies.
pub fn only<P>(policies: &[P]) -> Result<&P, PolicyLookupError> {
    match policies {
        [] => Err(PolicyLookupError::None),
        [only] => Ok(only),
        several => Err(PolicyLookupError::Several(several.len())),
    }
}

/// The policy with this name.
pub fn named<'p>(
    set: &'p PolicySet,
    name: &PolicyName,
) -> Result<&'p ServicePolicy, PolicyLookupError> {
    set.policy(&name.namespace, &name.name)
        .ok_or_else(|| PolicyLookupError::Unknown {
            name: name.to_string(),
            help: {
                let policies = set.policies().iter();
                let names = policies.map(|policy| policy.name().to_string());
                names_help(&names.collect(), &name.to_string())
            },
        })
}

/// Checks that a policy is among these.
pub(crate) fn check_policy(
    policy: &PolicyName,
    known: &BTreeSet<PolicyName>,
) -> Result<(), PolicyLookupError> {
    if known.contains(policy) {
        return Ok(());
    }
    let (name, names) = (policy.to_string(), known.iter().map(PolicyName::to_string));
    let help = names_help(&names.collect(), &name);
    Err(PolicyLookupError::Unknown { name, help })
}

/// Checks that a policy of the namespace is among these.
pub(crate) fn check_namespace(
    namespace: &str,
    known: &BTreeSet<PolicyName>,
) -> Result<(), PolicyLookupError> {
    let namespaces: BTreeSet<_> = known.iter().map(|name| name.namespace.clone()).collect();
    if namespaces.contains(namespace) {
        return Ok(());
    }
    Err(PolicyLookupError::UnknownNamespace {
        namespace: namespace.to_owned(),
        help: names_help(&namespaces, namespace),
    })
}

fn names_help(names: &BTreeSet<String>, wanted: &str) -> String {
    let closest = names
        .iter()
        .map(|name| (strsim::osa_distance(name, wanted), name))
        .filter(|(mistakes, name)| *mistakes <= name.len() / 3)
        .min();
    match closest {
        Some((_, name)) => format!("did you mean `{name}`?"),
        None if names.is_empty() => "there are no policies".to_owned(),
        None => {
            let listed: Vec<_> = names
                .iter()
                .take(MAX_NAMES)
                .map(|name| format!("`{name}`"))
                .collect();
            let more = names.len().saturating_sub(MAX_NAMES);
            let rest = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            format!("known policies: {}{rest}", listed.join(", "))
        }
    }
}
