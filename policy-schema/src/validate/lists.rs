//! Lists that say something only if they have something.

use crate::code;
use crate::problem::{Cursor, Problems};

/// Reports a list that is there and empty: left out and empty could be read both ways.
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
