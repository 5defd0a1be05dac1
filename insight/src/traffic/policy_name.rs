//! Metric label → policy name.

use policy_schema::plugin_config::PolicyName;
use policy_schema::printable::printable;
use policy_schema::telemetry::PolicyLabel;

/// The policy with a label, if it is the label of a policy.
pub(super) fn policy_with_label(label: &str) -> Option<PolicyName> {
    let label: PolicyLabel = label.parse().ok()?;
    Some(label.policy().clone())
}

/// The name of the policy with a label. An invalid label is returned unchanged.
pub fn policy_name(label: &str) -> String {
    match policy_with_label(label) {
        Some(policy) => policy.to_string(),
        None => printable(label),
    }
}
