//! The label of a policy → its name.

use crate::printable::printable;

/// The policy that a label stands for. Neither part has a `_` of its own, and the namespace has no dot.
pub(crate) fn policy_name(label: &str) -> String {
    let name = match label.split_once('_') {
        Some((namespace, name)) => format!("{namespace}/{}", name.replace('_', ".")),
        None => label.to_owned(),
    };
    printable(&name)
}
