//! Reports a `*` that excludes everything.

use crate::code;
use crate::problem::{Cursor, Problems};
use crate::rule_spec::Effect;

/// The lists of exclusions, each with the position of a `*` in it.
pub(super) type OpenExclusions = Vec<(&'static str, Option<usize>)>;

/// Reports a `*` that excludes everything from an `Allow` rule. A `Deny` rule with it matches
/// requests without the attribute.
pub(super) fn check(
    lists: &OpenExclusions,
    effect: Effect,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    for &(key, position) in lists {
        let (Effect::Allow, Some(index)) = (effect, position) else {
            continue;
        };
        problems.report(
            code::NEVER_MATCHES,
            &cursor.key(key).index(index),
            format!("`{key}` excludes everything"),
            "narrow it; to match callers without an identity, use a source with `anonymous: true`",
        );
    }
}
