//! A policy's label → its name, as screens and reports show it.

use policy_schema::printable::printable;
use policy_schema::telemetry::PolicyLabel;

/// The name of the policy with a label. A label of no policy stands for itself.
pub fn policy_name(label: &str) -> String {
    match label.parse::<PolicyLabel>() {
        Ok(label) => label.policy().to_string(),
        Err(_) => printable(label),
    }
}
