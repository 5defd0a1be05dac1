//! Metric label → policy name.

use policy_schema::printable::printable;
use policy_schema::telemetry::PolicyLabel;

/// The name of the policy with a label. An invalid label is returned unchanged.
pub fn policy_name(label: &str) -> String {
    match label.parse::<PolicyLabel>() {
        Ok(label) => label.policy().to_string(),
        Err(_) => printable(label),
    }
}
