//! Findings about certificates.

use std::fmt;

use serde::{Serialize, Serializer};

/// A finding about a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The code.
    pub code: FaultCode,
    /// The message.
    pub message: String,
}

/// The stable code of a finding. Scripts may rely on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultCode {
    /// The certificate has expired.
    Expired,
    /// The certificate is not yet valid.
    NotYetValid,
    /// The certificate expires soon and has no automatic renewal.
    EndsSoon,
    /// The certificate was not renewed in time.
    NotRenewed,
    /// The key is too short.
    WeakKey,
    /// The signature uses a hash with known collisions.
    WeakSignature,
    /// The next certificate of the chain is not a valid issuer.
    BrokenChain,
    /// The key does not match the certificate.
    OtherKey,
    /// The key is missing.
    NoKey,
    /// A workload certificate has no SPIFFE ID.
    NoIdentity,
    /// The certificate has several URI SANs.
    SeveralIdentities,
    /// A URI SAN is not a valid SPIFFE ID.
    MalformedIdentity,
    /// The trust domain is foreign.
    ForeignTrustDomain,
    /// The key usage does not fit the role of the certificate.
    KeyUsage,
    /// The certificate has no key usage.
    NoKeyUsage,
    /// The extended key usage does not allow both TLS server and client.
    ExtendedKeyUsage,
    /// A root is not trusted.
    MissingRoot,
    /// The certificate cannot be parsed.
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
    /// The code in kebab case.
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
