//! The reading of each list of a rule.

use crate::matching::Reading;
use crate::rule_spec::Effect;

impl Reading {
    /// The reading of values that a rule with this effect requires.
    pub fn for_values(effect: Effect) -> Self {
        match effect {
            Effect::Allow => Self::Narrow,
            Effect::Deny | Effect::Audit | Effect::Custom => Self::Wide,
        }
    }

    /// The reading of values that a rule with this effect excludes (`not…`).
    pub fn for_exclusions(effect: Effect) -> Self {
        match effect {
            Effect::Allow => Self::Wide,
            Effect::Deny | Effect::Audit | Effect::Custom => Self::Narrow,
        }
    }
}
