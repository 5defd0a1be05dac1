//! Wording shared by the parts of the promotion report.

use std::time::Duration;

use policy_schema::plugin_config::PolicyName;
use policy_schema::rule_spec::Effect;
use policy_schema::time_span;
use policy_schema::timestamp::Timestamp;
use policy_schema::wording::counted;

const NANOSECONDS: u64 = 1_000_000_000;

pub(crate) fn word(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "Allow",
        Effect::Deny => "Deny",
        Effect::Audit => "Audit",
        Effect::Custom => "Custom",
    }
}

/// A duration in its two largest units, rounded up.
pub(crate) fn length(time: Duration) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let seconds = whole_seconds(time);
    let unit = match seconds {
        DAY.. => HOUR,
        HOUR.. => MINUTE,
        _ => 1,
    };
    time_span::text(Duration::from_secs(seconds.div_ceil(unit) * unit))
}

/// The seconds of a duration, rounded up.
pub(crate) fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

pub(crate) fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_unix_nanoseconds(at.unix_nanoseconds() / NANOSECONDS * NANOSECONDS)
}

pub(crate) fn counted_requests(requests: u64) -> String {
    counted(
        usize::try_from(requests).unwrap_or(usize::MAX),
        "request",
        "requests",
    )
}

pub(crate) fn listed(policies: &[PolicyName]) -> String {
    let names: Vec<_> = policies.iter().map(ToString::to_string).collect();
    names.join(", ")
}

/// `tcpPorts` 5432 and 6379.
pub(crate) fn tcp_ports(ports: &[u16]) -> String {
    let ports: Vec<_> = ports.iter().map(ToString::to_string).collect();
    format!("`tcpPorts` {}", ports.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_durations_in_two_units() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (200, "3m 20s"),
            (3_600, "1h"),
            (3_601, "1h 1m"),
            (604_800, "7d"),
            (604_800 - 200, "7d"),
            (604_800 - 3_700, "6d 23h"),
        ] {
            assert_eq!(length(Duration::from_secs(seconds)), text, "{seconds}");
        }
    }
}
