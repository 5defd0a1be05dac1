//! What people must do about a denied request where no change of a policy is made.

use super::amendment::Amendment;
use super::near::{NamedRule, NearRule};

/// What people must do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advice {
    /// The name of the policy that has the deciding rule cannot be read.
    AskOwner,
    /// The documents allow the request, but their rules look at what no id has.
    FindOutWhatWasSent,
    /// The documents allow the request.
    UpdateSidecar,
    /// The documents come to another decision than the filter did.
    CompareRules,
    /// A rule denies the request of a client certificate from outside the mesh.
    ExceptCertificate,
    /// A rule denies the request of a caller without a valid identity.
    IdentifyToExcept,
    /// The caller has no identity.
    JoinMesh,
    /// The gateway has not validated the client's certificate.
    ValidateCertificate,
    /// The caller's certificate has something other than one SPIFFE ID.
    ReplaceCertificate,
    /// The caller is of a foreign trust domain.
    CallFromMesh,
    /// No rule takes the request of a caller without a valid identity.
    Identify,
    /// A rule for the request cannot be made of its id.
    WriteRule,
    /// No rule can be made for a client certificate with these names.
    NameCertificate(Vec<String>),
    /// This rule would allow the request, and its whole policy is in shadow.
    EnforcePolicy(NamedRule),
    /// This rule matches the request, except for attributes that no decision ID contains.
    SeeWhatWasSent(NearRule),
    /// The text of the policy cannot be changed.
    ByHand {
        /// The change to make.
        amendment: Amendment,
        /// Why it is not made.
        obstacle: Obstacle,
    },
    /// The documents would not be valid with the change.
    Refused {
        /// The change that was tried.
        amendment: Amendment,
        /// Why it is refused.
        refusal: Refusal,
    },
    /// The change alone does not allow the request.
    NotEnough(Amendment),
}

/// Why the text of a policy cannot be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// None of the documents' texts has the policy.
    TextNotFound,
    /// The text of this name has the policy in a form that cannot be changed safely.
    Ambiguous(String),
}

/// Why a change is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The documents would not be valid, for this reason if one is known.
    Invalid(Option<String>),
    /// The policy would no longer be there.
    PolicyGone,
}
