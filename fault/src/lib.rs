//! Errors that end a run, with their exit status and help.
//!
//! Each module of `peergate-mesh`, `peergate-insight` and `peergate` defines its own error type. Types whose errors may end a
//! run implement [`Fault`], which is all that error output depends on.

mod exit_status;
mod failure;

pub use exit_status::ExitStatus;
pub use failure::{Failure, Fault};
