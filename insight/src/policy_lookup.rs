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
    /// No policy is named, and there are this many.
    #[error("expected exactly one policy, found {0}")]
    Several(usize),
    /// There is no policy.
    #[error("found no policy, only a mesh")]
    None,
}

impl Fault for PolicyLookupError {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        Some(match self {
            Self::Unknown { help, .. } => help,
            Self::Several(_) => "choose one with `--workload NAMESPACE/NAME`",
            Self::None => "add a document of kind `ServicePolicy`",
        })
    }
}

/// The only policy.
pub fn only(policies: &[ServicePolicy]) -> Result<&ServicePolicy, PolicyLookupError> {
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

/// Fails if the policy is not among these.
pub fn check_known(wanted: &str, names: &BTreeSet<String>) -> Result<(), PolicyLookupError> {
    if names.contains(wanted) {
        return Ok(());
    }
    Err(PolicyLookupError::Unknown {
        name: wanted.to_owned(),
        help: names_help(names, wanted),
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
