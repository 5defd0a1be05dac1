//! What certificates are to be like.

use policy_schema::timestamp::Timestamp;

/// With what a certificate is compared.
#[derive(Clone, Debug)]
pub struct Expected {
    /// Seconds since the Unix epoch.
    pub(super) now: i64,
    /// Less than this many days left are too few for an authority.
    pub(super) min_days: i64,
    /// Since when a workload's certificate has to be renewed, in seconds since the Unix epoch.
    pub(super) renewed_since: Option<i64>,
    /// The trust domains of identities; any if empty.
    pub(super) trust_domains: Vec<String>,
}

impl Expected {
    /// What holds at this time, for whichever trust domain. Fewer days left than `min_days` are too few where certificates
    /// are not renewed by themselves.
    pub fn at(at: Timestamp, min_days: u16) -> Self {
        Self {
            now: seconds(at),
            min_days: min_days.into(),
            renewed_since: None,
            trust_domains: Vec::new(),
        }
    }

    /// The same for identities of these trust domains alone, or of any if there are none.
    #[must_use]
    pub fn of_trust_domains(self, trust_domains: Vec<String>) -> Self {
        Self {
            trust_domains,
            ..self
        }
    }

    /// The same for workloads whose certificates have to be renewed after a time, if there is one.
    #[must_use]
    pub fn renewed_since(self, time: Option<Timestamp>) -> Self {
        Self {
            renewed_since: time.map(seconds),
            ..self
        }
    }
}

/// Since the Unix epoch.
fn seconds(time: Timestamp) -> i64 {
    i64::try_from(time.unix_nanoseconds() / 1_000_000_000).unwrap_or(i64::MAX)
}
