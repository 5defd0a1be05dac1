//! The values that the filter writes to the filter state for the proxy's access log.

use super::label::Label;

/// The field with the decision ID.
pub const DECISION_ID: &str = "peergate_decision";

/// The names in the filter state, without their prefix `wasm.`. The values are those of the labels,
/// except that the policy is `NAMESPACE/NAME`.
pub const DECISION_FIELDS: [&str; 5] = [
    Label::Policy.tag(),
    Label::Rule.tag(),
    Label::Effect.tag(),
    Label::Reason.tag(),
    DECISION_ID,
];

/// The prefix of the response code details of a denial. The reason and `]` follow.
pub const DENIAL_DETAILS: &str = "peergate_denied[";
