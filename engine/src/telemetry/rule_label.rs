//! Rules as label values.

/// The label of decisions without a rule. It is not a valid rule ID.
pub const NO_RULE: &str = "-";

/// The label of a rule, or of decisions without one.
pub const fn rule_label(id: Option<&str>) -> &str {
    match id {
        Some(id) => id,
        None => NO_RULE,
    }
}

/// The ID of the rule with this label; `None` if no rule decided, or the label is missing.
pub fn rule_id(label: &str) -> Option<&str> {
    Some(label).filter(|label| !matches!(*label, "" | NO_RULE))
}
