//! Waits for conditions with a deadline.

use std::thread;
use std::time::{Duration, Instant};

use crate::Error;

/// The timeout for conditions that always occur eventually. It is generous, because a busy machine with one core may be many
/// times slower than others.
pub const TIMEOUT: Duration = Duration::from_mins(2);

/// The interval between two checks: short relative to the waiting time, long relative to the cost of a check.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Calls `check` until it returns a value.
///
/// # Errors
///
/// [`Error::Timeout`] with `what` after `limit`. Errors of `check` are returned immediately.
pub fn wait_for<T>(
    what: &str,
    limit: Duration,
    mut check: impl FnMut() -> Result<Option<T>, Error>,
) -> Result<T, Error> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = check()? {
            return Ok(value);
        }
        if Instant::now() >= deadline {
            return Err(Error::Timeout {
                what: what.into(),
                waited: limit,
            });
        }
        thread::sleep(POLL_INTERVAL);
    }
}
