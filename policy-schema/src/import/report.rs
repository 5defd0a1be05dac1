//! The callback for values that cannot be imported as they are.

/// Reports that something is refused (`true`) or left out (`false`), with the reason.
pub(super) type Report<'r> = dyn FnMut(bool, String) + 'r;
