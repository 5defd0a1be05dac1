//! Points in time, in rules and requests.

use std::fmt;
use std::time::{Duration, SystemTime};

use thiserror::Error;

/// A point in time, in nanoseconds since the Unix epoch, UTC. The maximum is in the year 2554 and
/// represents all later times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(u64);

/// A text that is not a time in the form `2026-12-31T23:59:59Z`.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("not a UTC time in the form `2026-12-31T23:59:59Z`")]
pub struct InvalidTime;

impl Timestamp {
    /// The point `nanoseconds` after the Unix epoch.
    pub const fn from_unix_nanoseconds(nanoseconds: u64) -> Self {
        Self(nanoseconds)
    }

    /// The nanoseconds since the Unix epoch.
    pub const fn unix_nanoseconds(self) -> u64 {
        self.0
    }

    /// The whole seconds since the Unix epoch.
    pub const fn unix_seconds(self) -> u64 {
        self.0 / 1_000_000_000
    }

    /// The point in time that is `time` later.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanoseconds))
    }

    /// The start of the day, UTC.
    #[must_use]
    pub const fn start_of_day(self) -> Self {
        const ONE_DAY: u64 = 24 * 60 * 60 * 1_000_000_000;
        Self(self.0 - self.0 % ONE_DAY)
    }

    /// Reads RFC 3339 in UTC.
    pub fn parse(text: &str) -> Result<Self, InvalidTime> {
        // `humantime` stops at the first of these, whatever follows.
        let is_zone = |byte: &u8| matches!(byte, b'Z' | b'+');
        if text.bytes().filter(is_zone).count() != 1 {
            return Err(InvalidTime);
        }
        humantime::parse_rfc3339(text)
            .ok()
            .and_then(|time| Self::try_from(time).ok())
            .ok_or(InvalidTime)
    }
}

impl TryFrom<SystemTime> for Timestamp {
    type Error = InvalidTime;

    fn try_from(time: SystemTime) -> Result<Self, InvalidTime> {
        time.duration_since(SystemTime::UNIX_EPOCH)
            .ok()
            .map(|since| Self(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)))
            .ok_or(InvalidTime)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = SystemTime::UNIX_EPOCH + Duration::from_nanos(self.0);
        humantime::format_rfc3339(time).fmt(f)
    }
}

/// When a rule applies: from `not_before`, inclusive, to `not_after`, exclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Validity {
    /// The time from which the rule applies.
    pub not_before: Option<Timestamp>,
    /// The time from which it no longer applies.
    pub not_after: Option<Timestamp>,
}

/// The position of a time relative to a rule's validity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The rule does not apply yet.
    Before,
    /// The rule applies.
    Within,
    /// The rule has expired.
    After,
}

impl Validity {
    /// Whether the rule always applies, so that the time need not be fetched.
    #[inline]
    pub fn is_unlimited(&self) -> bool {
        self.not_before.is_none() && self.not_after.is_none()
    }

    /// The position of `now`.
    pub fn phase(&self, now: Timestamp) -> Phase {
        if self.not_after.is_some_and(|end| now >= end) {
            Phase::After
        } else if self.not_before.is_some_and(|start| now < start) {
            Phase::Before
        } else {
            Phase::Within
        }
    }
}

#[cfg(test)]
mod tests;
