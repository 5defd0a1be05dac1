//! Why a decision was made.

use super::word::words;

words! {
    "reason"
    /// The stable name of a reason: metric label, log field and part of a reply. The order is part of decision IDs.
    ReasonCode {
        /// An `Allow` rule matched.
        AllowedByRule = "allowed-by-rule",
        /// No `Deny` rule matched, and what is not denied passes.
        NotDenied = "not-denied",
        /// A `Deny` rule matched.
        DeniedByRule = "denied-by-rule",
        /// The caller has no identity.
        NoIdentity = "no-identity",
        /// The caller presented something that is not one SPIFFE ID.
        MalformedIdentity = "malformed-identity",
        /// The caller's trust domain is not one of the mesh's.
        ForeignTrustDomain = "foreign-trust-domain",
        /// An `Allow` rule would match, had it not expired.
        ExpiredRule = "expired-rule",
        /// An `Allow` rule would match, but is not yet valid.
        RuleNotYetValid = "rule-not-yet-valid",
        /// No rule matched.
        NoRuleMatched = "no-rule-matched",
        /// The gateway did not validate the caller's certificate.
        UnvalidatedCertificate = "unvalidated-certificate",
        /// A rule matched that decides nothing: `Audit` or `Custom`.
        MatchedByRule = "matched-by-rule",
    }
}

impl ReasonCode {
    /// The reasons for decisions, in the order of their numbers.
    pub const OF_DECISIONS: [Self; 10] = [
        Self::AllowedByRule,
        Self::NotDenied,
        Self::DeniedByRule,
        Self::NoIdentity,
        Self::MalformedIdentity,
        Self::ForeignTrustDomain,
        Self::ExpiredRule,
        Self::RuleNotYetValid,
        Self::NoRuleMatched,
        Self::UnvalidatedCertificate,
    ];

    /// The reason's number in decision IDs.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The reason for a decision that has this number in decision IDs.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::OF_DECISIONS.get(usize::from(number)).copied()
    }
}
