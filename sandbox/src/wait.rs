//! Waiting for a condition, up to a deadline.

use std::thread;
use std::time::{Duration, Instant};

use crate::Error;

/// How long to wait for what is sure to come. It is no measure of how quick anything is: a machine with one core and much
/// else to do takes many times as long as others, and only what never comes is to be given up.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// How long to pause between two looks: short against what is waited for, long against the cost of
/// a look.
const PAUSE: Duration = Duration::from_millis(10);

/// Calls `look` until it yields a value, and returns that.
///
/// # Errors
///
/// [`Error::Timeout`], naming `what`, once `limit` has passed; and whatever error `look` returns,
/// at once.
pub fn wait_for<T>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> Result<Option<T>, Error>,
) -> Result<T, Error> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = look()? {
            return Ok(value);
        }
        if Instant::now() >= deadline {
            return Err(Error::Timeout {
                what: what.into(),
                waited: limit,
            });
        }
        thread::sleep(PAUSE);
    }
}
