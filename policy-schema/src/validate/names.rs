//! Checks names that Kubernetes restricts.

use crate::check::{is_dns_label, is_object_name};
use crate::code;
use crate::problem::{Cursor, Problems};

/// Checks a name that must be a DNS label, such as that of a namespace or service.
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

/// Checks a name that must be a DNS subdomain, as for most objects.
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
