//! What the filter leaves with a request for the proxy's access log.

use super::label::Label;

/// The field with the ID of a decision.
pub const DECISION_ID: &str = "peergate_decision";

/// The names in the filter state, where `wasm.` precedes each. Those of labels have the values of labels, except that
/// the policy is `NAMESPACE/NAME`.
pub const DECISION_FIELDS: [&str; 5] = [
    Label::Policy.tag(),
    Label::Rule.tag(),
    Label::Effect.tag(),
    Label::Reason.tag(),
    DECISION_ID,
];

/// How the response code details of a denial begin. The reason and a `]` follow.
pub const DENIAL_DETAILS: &str = "peergate_denied[";
