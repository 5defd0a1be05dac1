//! The vocabulary of telemetry: what the filter writes to metrics, logs and the filter state, and
//! the command line reads back.
//!
//! The filter encodes with these types, and every reader decodes with them. `peergate metrics` and
//! the documentation list them. No other code spells out the name of a metric or label, or encodes
//! a label value.

pub mod metric;

mod effect;
mod filter_state;
mod label;
mod observed;
mod policy_label;
mod rbac_comparison;
mod reason;
mod revision;
mod rule_label;
mod word;

pub use effect::DecisionEffect;
pub use filter_state::{DECISION_FIELDS, DECISION_ID, DENIAL_DETAILS};
pub use label::{Label, flat_value, plain_value};
pub use observed::{InvalidEncoding, ObservedValue};
pub use policy_label::{InvalidPolicyLabel, PolicyLabel};
pub use rbac_comparison::RbacComparison;
pub use reason::ReasonCode;
pub use revision::{InvalidRevision, RevisionNumber};
pub use rule_label::{NO_RULE, rule_id, rule_label};
pub use word::UnknownWord;

#[cfg(test)]
mod tests;
