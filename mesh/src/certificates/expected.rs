//! The expected properties of certificates.

use policy_schema::timestamp::Timestamp;

/// The expected properties of certificates.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The current time in Unix seconds.
    pub(super) now: i64,
    /// The minimum number of days left of a CA certificate.
    pub(super) min_days: i64,
    /// The minimum start of workload certificates, in Unix seconds.
    pub(super) renewed_since: Option<i64>,
    /// The accepted trust domains. Any if empty.
    pub(super) trust_domains: Vec<String>,
}

impl Expected {
    /// Creates expectations for this time and any trust domain. `min_days` applies to certificates without automatic renewal.
    pub fn at(at: Timestamp, min_days: u16) -> Self {
        Self {
            now: seconds(at),
            min_days: min_days.into(),
            renewed_since: None,
            trust_domains: Vec::new(),
        }
    }

    /// Accepts only identities of these trust domains, or any if empty.
    #[must_use]
    pub fn with_trust_domains(self, trust_domains: Vec<String>) -> Self {
        Self {
            trust_domains,
            ..self
        }
    }

    /// Requires workload certificates that were issued after a time.
    #[must_use]
    pub fn renewed_since(self, time: Option<Timestamp>) -> Self {
        Self {
            renewed_since: time.map(seconds),
            ..self
        }
    }
}

/// Unix seconds.
fn seconds(time: Timestamp) -> i64 {
    i64::try_from(time.unix_nanoseconds() / 1_000_000_000).unwrap_or(i64::MAX)
}
