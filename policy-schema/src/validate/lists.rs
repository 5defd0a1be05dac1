//! Checks lists that must not be empty.

use crate::code;
use crate::problem::{Cursor, Problems};

/// Reports an empty list. It is ambiguous: it could mean all or none.
pub(super) fn check_not_empty<T>(
    list: Option<&[T]>,
    help: &str,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    if list.is_some_and(<[T]>::is_empty) {
        problems.report(code::EMPTY_LIST, cursor, "the list is empty", help);
    }
}
