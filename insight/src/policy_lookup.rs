//! Name → the policy that has it.

use std::collections::BTreeSet;

use peergate_fault::{ExitStatus, Fault};
use policy_schema::plugin_config::PolicyName;
use policy_schema::policy::{PolicySet, ServicePolicy};
use thiserror::Error;

/// More names than these are not listed: the right one would not be found among them.
const MAX_NAMES: usize = 8;

/// Why the policy that is asked for is not found.
#[derive(Debug, Error)]
pub enum PolicyLookupError {
    /// No policy has the name.
    #[error("there is no policy `{name}`")]
    Unknown {
        /// The name that is asked for.
        name: String,
        /// Which names there are.
        help: String,
    },
    /// None is named, and there are so many.
    #[error("there are {0} policies, and this is for one of them")]
    Several(usize),
    /// None is named, and there is none.
    #[error("there is no policy beside the mesh")]
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

/// The only one of these policies.
pub fn only(policies: &[ServicePolicy]) -> Result<&ServicePolicy, PolicyLookupError> {
    match policies {
        [] => Err(PolicyLookupError::None),
        [only] => Ok(only),
        several => Err(PolicyLookupError::Several(several.len())),
    }
}

/// The policy of this name.
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

/// Sees to it that the policy is among these.
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
        None if names.is_empty() => "there is none at all".to_owned(),
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
            format!("there are {}{rest}", listed.join(", "))
        }
    }
}
