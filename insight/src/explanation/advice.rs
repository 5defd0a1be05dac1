//! Advice for denied requests that no policy change can fix.

use super::amendment::Amendment;
use super::near::{NamedRule, NearRule};

/// What to do about a denied request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advice {
    /// The name of the deciding policy cannot be read.
    AskOwner,
    /// The documents allow the request, but their rules depend on attributes that no ID records.
    FindOutWhatWasSent,
    /// The documents allow the request.
    UpdateSidecar,
    /// The documents decide differently than the filter.
    CompareRules,
    /// A `Deny` rule matches a client certificate.
    ExceptCertificate,
    /// A `Deny` rule matches a caller without a valid identity.
    IdentifyToExcept,
    /// The caller has no identity.
    JoinMesh,
    /// The gateway has not validated the client certificate.
    ValidateCertificate,
    /// The caller's certificate does not have exactly one SPIFFE ID.
    ReplaceCertificate,
    /// The caller is from a foreign trust domain.
    CallFromMesh,
    /// No rule matches, and the caller has no valid identity.
    Identify,
    /// No rule can be generated from the ID.
    WriteRule,
    /// No rule can be generated for a client certificate with these names.
    NameCertificate(Vec<String>),
    /// This rule would allow the request, but its policy is in shadow.
    EnforcePolicy(NamedRule),
    /// This rule matches the request, except for attributes that no ID records.
    SeeWhatWasSent(NearRule),
    /// The text of the policy cannot be edited.
    ByHand {
        /// The change.
        amendment: Amendment,
        /// Why the text cannot be edited.
        obstacle: Obstacle,
    },
    /// The changed documents would be invalid.
    Refused {
        /// The rejected change.
        amendment: Amendment,
        /// Why the change is rejected.
        refusal: Refusal,
    },
    /// The change does not suffice.
    NotEnough(Amendment),
}

/// Why the text of a policy cannot be edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// No text contains the policy.
    TextNotFound,
    /// The text with this name cannot be edited safely.
    Ambiguous(String),
}

/// Why a change is rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The documents would be invalid, with the first diagnostic if known.
    Invalid(Option<String>),
    /// The change would remove the policy.
    PolicyGone,
}
