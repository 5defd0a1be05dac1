//! Times and time spans on the command line.

use std::time::Duration;

use policy_schema::time_span;
use policy_schema::timestamp::Timestamp;

use crate::policies::at_or_now;

/// As which time a command evaluates policies.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct AtArgs {
    /// Evaluate rules and exceptions as of TIME: RFC 3339, or a date meaning its end in UTC [default: now]
    #[arg(long = "at", value_name = "TIME", value_parser = parse_time)]
    at: Option<Timestamp>,
}

impl AtArgs {
    /// The time that was named, or else the present.
    pub(crate) fn time(self) -> Timestamp {
        at_or_now(self.at)
    }
}

/// No Prometheus has kept samples for longer.
const MAX_WINDOW: Duration = Duration::from_secs(1_000_000_000);

/// Reads an RFC 3339 time, or a date, which means its last second in UTC.
pub(crate) fn parse_time(text: &str) -> Result<Timestamp, String> {
    let end_of_day = format!("{text}T23:59:59Z");
    Timestamp::parse(text)
        .or_else(|reason| Timestamp::parse(&end_of_day).map_err(|_| reason))
        .map_err(|_| {
            "no such time; use `2026-12-31T23:59:59Z`, or a date such as `2027-06-30`".to_owned()
        })
}

/// Reads a time as [`parse_time`] does, or a time span from now, such as `7d`.
pub(crate) fn parse_time_or_span(text: &str) -> Result<Timestamp, String> {
    match time_span::parse(text) {
        Ok(span) => Ok(at_or_now(None).after(span)),
        Err(_) => {
            parse_time(text).map_err(|reason| format!("{reason}, or a time span such as `7d`"))
        }
    }
}

/// Reads a time span from one second to 30 years.
pub(crate) fn parse_window(text: &str) -> Result<Duration, String> {
    match time_span::parse(text)? {
        window if window > MAX_WINDOW => Err("the maximum is 30 years".to_owned()),
        window if window >= Duration::from_secs(1) => Ok(window),
        _ => Err("the minimum is one second".to_owned()),
    }
}
