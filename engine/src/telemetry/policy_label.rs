//! Policies in labels.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::plugin_config::PolicyName;

/// The label of a policy: `NAMESPACE_NAME`, with each dot of the name replaced by `_`.
///
/// Neither part contains `_`, and namespaces contain no dots, so no two policies share a label.
#[derive(Clone, Debug, Hash, PartialEq, Eq, PartialOrd, Ord)]
pub struct PolicyLabel(String);

/// A text that is not the label of a policy.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("`{0}` is not the label of a policy: expected `NAMESPACE_NAME`")]
pub struct InvalidPolicyLabel(String);

impl PolicyLabel {
    /// The label's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The policy with this label.
    pub fn policy(&self) -> PolicyName {
        let (namespace, name) = self.0.split_once('_').unwrap_or((&self.0, ""));
        PolicyName {
            namespace: namespace.to_owned(),
            name: name.replace('_', "."),
        }
    }
}

impl From<&PolicyName> for PolicyLabel {
    fn from(policy: &PolicyName) -> Self {
        Self([&*policy.namespace, "_", &policy.name.replace('.', "_")].concat())
    }
}

impl fmt::Display for PolicyLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for PolicyLabel {
    type Err = InvalidPolicyLabel;

    fn from_str(text: &str) -> Result<Self, InvalidPolicyLabel> {
        let is_part = |part: &str| {
            let is_plain =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            !part.is_empty() && part.bytes().all(is_plain)
        };
        let is_label = text.contains('_') && text.split('_').all(is_part);
        is_label
            .then(|| Self(text.to_owned()))
            .ok_or_else(|| InvalidPolicyLabel(text.to_owned()))
    }
}
