//! What is wrong with certificates.

use std::fmt;

use serde::{Serialize, Serializer};

/// Something wrong with a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What kind of fault it is.
    pub code: FaultCode,
    /// For people.
    pub message: String,
}

/// The stable name of a kind of fault. Scripts may rely on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultCode {
    /// It has ended.
    Expired,
    /// It begins later.
    NotYetValid,
    /// It ends soon, and is not renewed by itself.
    EndsSoon,
    /// It was not renewed in time.
    NotRenewed,
    /// Its key is too short.
    WeakKey,
    /// It is signed over a hash with known collisions.
    WeakSignature,
    /// The next certificate of its chain did not validly issue it.
    BrokenChain,
    /// The key beside it belongs to another certificate.
    OtherKey,
    /// The key that belongs beside it is missing.
    NoKey,
    /// A workload has no SPIFFE ID.
    NoIdentity,
    /// It has several URI names.
    SeveralIdentities,
    /// A URI name is not a SPIFFE ID of the required form.
    MalformedIdentity,
    /// Its trust domain is not one of the mesh's.
    ForeignTrustDomain,
    /// Its key usage does not fit its role.
    KeyUsage,
    /// It has no key usage.
    NoKeyUsage,
    /// Its extended key usage does not cover both sides of TLS.
    ExtendedKeyUsage,
    /// A root is not among those that are trusted.
    MissingRoot,
    /// It cannot be read as a certificate.
    Unreadable,
}

impl Finding {
    pub(super) fn new(code: FaultCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

impl FaultCode {
    /// The name as it is printed, in kebab case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::NotYetValid => "not-yet-valid",
            Self::EndsSoon => "ends-soon",
            Self::NotRenewed => "not-renewed",
            Self::WeakKey => "weak-key",
            Self::WeakSignature => "weak-signature",
            Self::BrokenChain => "broken-chain",
            Self::OtherKey => "other-key",
            Self::NoKey => "no-key",
            Self::NoIdentity => "no-identity",
            Self::SeveralIdentities => "several-identities",
            Self::MalformedIdentity => "malformed-identity",
            Self::ForeignTrustDomain => "foreign-trust-domain",
            Self::KeyUsage => "key-usage",
            Self::NoKeyUsage => "no-key-usage",
            Self::ExtendedKeyUsage => "extended-key-usage",
            Self::MissingRoot => "missing-root",
            Self::Unreadable => "unreadable",
        }
    }
}

impl fmt::Display for FaultCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for FaultCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
