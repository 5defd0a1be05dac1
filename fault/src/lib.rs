//! Errors that end a run: each knows its exit status and what to do about it.
//!
//! Each module of `peergate-mesh`, `peergate-insight` and `peergate` has an error type of its own, which is a [`Fault`]
//! where it may end a run. What prints errors knows nothing else of them.

mod exit_status;
mod failure;

pub use exit_status::ExitStatus;
pub use failure::{Failure, Fault};
