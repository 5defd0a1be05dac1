//! Which lists of a rule let a request pass, and which stop it.

use crate::matching::Reading;
use crate::rule_spec::Effect;

impl Reading {
    /// For the values that a rule of this effect asks for.
    pub fn of_values(effect: Effect) -> Self {
        match effect {
            Effect::Allow => Self::Narrow,
            Effect::Deny | Effect::Audit | Effect::Custom => Self::Wide,
        }
    }

    /// For the values that a rule of this effect excludes (`not…`).
    pub fn of_exclusions(effect: Effect) -> Self {
        match effect {
            Effect::Allow => Self::Wide,
            Effect::Deny | Effect::Audit | Effect::Custom => Self::Narrow,
        }
    }
}
