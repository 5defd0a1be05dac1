//! Which policies a command is about.

use clap_complete::engine::ArgValueCompleter;
use peergate_fault::{ExitStatus, Failure, Fault};
use peergate_insight::policy_selection::PolicySelection;
use policy_schema::plugin_config::PolicyName;
use thiserror::Error;

use crate::complete;

/// Which policies a command is about: all, those of a namespace, or one.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct PolicyArgs {
    /// Only the policy NAMESPACE/NAME, or NAME with `--namespace` [default: all policies]
    #[arg(long, value_name = "NAMESPACE/NAME", add = ArgValueCompleter::new(complete::policies))]
    policy: Option<String>,
    /// Only policies in NAMESPACE
    #[arg(short, long, value_name = "NAMESPACE", add = ArgValueCompleter::new(complete::namespaces))]
    namespace: Option<String>,
}

/// Why no policy is selected.
#[derive(Debug, Error)]
enum InvalidSelection {
    #[error("`--policy {0}` does not name a namespace")]
    NoNamespace(String),
    #[error("`--policy {policy}` and `--namespace {namespace}` name different namespaces")]
    TwoNamespaces {
        policy: PolicyName,
        namespace: String,
    },
    #[error("`--policy {0}` is not the name of a policy")]
    NotAName(String),
    #[error("`--namespace {0}` selects several policies, and this command takes one")]
    NamespaceAlone(String),
}

impl Fault for InvalidSelection {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        Some(match self {
            Self::NoNamespace(_) | Self::NotAName(_) => {
                "use `--policy NAMESPACE/NAME`, or add `--namespace NAMESPACE`"
            }
            Self::TwoNamespaces { .. } => "remove one of the two",
            Self::NamespaceAlone(_) => "add `--policy NAME`",
        })
    }
}

impl PolicyArgs {
    /// For a command that documents the two options itself.
    pub(crate) fn new(policy: Option<String>, namespace: Option<String>) -> Self {
        Self { policy, namespace }
    }

    /// The policies that are selected. Whether they exist is not checked.
    pub(crate) fn selection(&self) -> Result<PolicySelection, Failure> {
        let namespace = self.namespace.as_deref();
        Ok(match (self.policy.as_deref(), namespace) {
            (None, None) => PolicySelection::All,
            (None, Some(namespace)) => PolicySelection::Namespace(namespace.to_owned()),
            (Some(policy), namespace) => PolicySelection::Policy(name(policy, namespace)?),
        })
    }

    /// The policy that is named, if one is.
    pub(crate) fn one(&self) -> Result<Option<PolicyName>, Failure> {
        match self.selection()? {
            PolicySelection::All => Ok(None),
            PolicySelection::Namespace(name) => Err(InvalidSelection::NamespaceAlone(name).into()),
            PolicySelection::Policy(name) => Ok(Some(name)),
        }
    }
}

fn name(policy: &str, namespace: Option<&str>) -> Result<PolicyName, InvalidSelection> {
    let not_a_name = || InvalidSelection::NotAName(policy.to_owned());
    let Some(namespace) = namespace else {
        if !policy.contains('/') {
            return Err(InvalidSelection::NoNamespace(policy.to_owned()));
        }
        return policy.parse().map_err(|_| not_a_name());
    };
    if !policy.contains('/') {
        return format!("{namespace}/{policy}")
            .parse()
            .map_err(|_| not_a_name());
    }
    let policy: PolicyName = policy.parse().map_err(|_| not_a_name())?;
    if policy.namespace == namespace {
        return Ok(policy);
    }
    Err(InvalidSelection::TwoNamespaces {
        policy,
        namespace: namespace.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(policy: Option<&str>, namespace: Option<&str>) -> Result<PolicySelection, String> {
        let args = PolicyArgs {
            policy: policy.map(str::to_owned),
            namespace: namespace.map(str::to_owned),
        };
        args.selection().map_err(|failure| failure.to_string())
    }

    #[test]
    fn namespace_and_name_come_together_or_apart() {
        let cart = || {
            Ok(PolicySelection::Policy(PolicyName {
                namespace: "shop".to_owned(),
                name: "cart".to_owned(),
            }))
        };
        assert_eq!(selection(Some("shop/cart"), None), cart());
        assert_eq!(selection(Some("cart"), Some("shop")), cart());
        assert_eq!(selection(Some("shop/cart"), Some("shop")), cart());
        assert_eq!(
            selection(None, Some("shop")),
            Ok(PolicySelection::Namespace("shop".to_owned()))
        );
        assert_eq!(selection(None, None), Ok(PolicySelection::All));
    }

    #[test]
    fn a_name_without_a_namespace_or_with_two_is_refused() {
        for (policy, namespace) in [
            ("cart", None),
            ("/cart", None),
            ("shop/", None),
            ("", Some("shop")),
            ("shop/cart", Some("bank")),
        ] {
            assert!(selection(Some(policy), namespace).is_err(), "{policy}");
        }
    }
}
