//! Recognizes objects that Peergate rendered.

use super::object::Object;

/// The label of all rendered objects.
const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "peergate");

/// Whether it has the label of all rendered objects.
pub(super) fn is_managed(object: &Object) -> bool {
    object.label(MANAGED_BY.0) == Some(MANAGED_BY.1)
}
