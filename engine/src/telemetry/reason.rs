//! The reasons for decisions.

use super::word::words;

words! {
    "reason"
    /// The stable name of a reason in metrics, logs and replies. Decision IDs depend on the order.
    ReasonCode {
        /// An `Allow` rule matched.
        AllowedByRule = "allowed-by-rule",
        /// No `Deny` rule matched, and requests pass by default.
        NotDenied = "not-denied",
        /// A `Deny` rule matched.
        DeniedByRule = "denied-by-rule",
        /// The caller has no identity.
        NoIdentity = "no-identity",
        /// The caller did not present exactly one SPIFFE ID.
        MalformedIdentity = "malformed-identity",
        /// The caller's trust domain is not one of the mesh's.
        ForeignTrustDomain = "foreign-trust-domain",
        /// An `Allow` rule would match, but has expired.
        ExpiredRule = "expired-rule",
        /// An `Allow` rule would match, but is not yet valid.
        RuleNotYetValid = "rule-not-yet-valid",
        /// No rule matched.
        NoRuleMatched = "no-rule-matched",
        /// The gateway did not validate the caller's certificate.
        UnvalidatedCertificate = "unvalidated-certificate",
        /// A rule without influence on the decision matched: `Audit` or `Custom`.
        MatchedByRule = "matched-by-rule",
    }
}

impl ReasonCode {
    /// The reasons for decisions, in the order of their numbers.
    pub const DECISION_REASONS: [Self; 10] = [
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

    /// The reason with this number in decision IDs.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::DECISION_REASONS.get(usize::from(number)).copied()
    }
}
