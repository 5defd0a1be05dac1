//! A list in a rule and its `not…` counterpart.

use policy_schema::rule_spec::Effect;

/// Whether a match denies the request, so that every spelling of a value counts.
pub(super) type Stops = bool;

/// A list and its `not…` counterpart on one attribute.
pub(super) fn field<V, A: Copy>(
    effect: Effect,
    any_of: Option<&[V]>,
    none_of: Option<&[V]>,
    attribute: Option<A>,
    matches: impl Fn(&V, A, Stops) -> bool,
) -> bool {
    let matches_one = |values: &[V], attribute, stops| {
        values.iter().any(|value| matches(value, attribute, stops))
    };
    let is_any = match (any_of, attribute) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(values), Some(attribute)) => matches_one(values, attribute, effect != Effect::Allow),
    };
    let is_none = match (none_of, attribute) {
        (None, _) => true,
        (Some(_), None) => effect != Effect::Allow,
        (Some(values), Some(attribute)) => !matches_one(values, attribute, effect == Effect::Allow),
    };
    is_any && is_none
}
