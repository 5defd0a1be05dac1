//! Rules in labels.

/// The label of decisions that no rule made. No rule can have this ID.
pub const NO_RULE: &str = "-";

/// The label of a rule, or of decisions without one.
pub const fn rule_label(id: Option<&str>) -> &str {
    match id {
        Some(id) => id,
        None => NO_RULE,
    }
}

/// The ID of the rule with this label; none if no rule decided, or the label is missing.
pub fn rule_id(label: &str) -> Option<&str> {
    Some(label).filter(|label| !matches!(*label, "" | NO_RULE))
}
