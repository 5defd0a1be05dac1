//! Arguments that several of the subcommands share.

use std::time::Duration;

use policy_schema::identity::is_trust_domain;

/// Parses a trust domain.
pub(super) fn parse_trust_domain(text: &str) -> Result<String, String> {
    if is_trust_domain(text) {
        Ok(text.to_owned())
    } else {
        Err("use lower-case letters, digits, `-`, `_` and `.`".to_owned())
    }
}

/// A number of days.
pub(super) fn days(days: u16) -> Duration {
    Duration::from_hours(24 * u64::from(days))
}
