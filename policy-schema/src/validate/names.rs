//! Names that Kubernetes accepts.

use crate::check::{is_dns_label, is_object_name};
use crate::code;
use crate::problem::{Cursor, Problems};

/// The name of a namespace, a service, or something else that becomes a part of a DNS name.
pub(super) fn check_label(name: &str, cursor: &Cursor<'_>, problems: &mut Problems) {
    if !is_dns_label(name) {
        problems.report(
            code::INVALID_NAME,
            cursor,
            format!("`{name}` is not a valid Kubernetes name"),
            "use lower-case letters, digits and `-`; start and end with a letter or digit",
        );
    }
}

/// The name of most objects.
pub(super) fn check_subdomain(name: &str, cursor: &Cursor<'_>, problems: &mut Problems) {
    if !is_object_name(name) {
        problems.report(
            code::INVALID_NAME,
            cursor,
            format!("`{name}` is not a valid Kubernetes name"),
            "use lower-case letters, digits, `-` and `.`; start and end with a letter or digit",
        );
    }
}
