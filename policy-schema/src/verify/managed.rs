//! What is known to be Peergate's.

use super::object::Object;

/// The label of all that Peergate renders.
const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "peergate");

/// Whether it has the label of all that Peergate renders.
pub(super) fn is_managed(object: &Object) -> bool {
    object.label(MANAGED_BY.0) == Some(MANAGED_BY.1)
}
