//! Where the parts of an import report what they cannot carry over as it is.

/// Says that something is refused (`true`) or left out (`false`), and why.
pub(super) type Report<'r> = dyn FnMut(bool, String) + 'r;
