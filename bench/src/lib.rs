//! Policies of any size and requests for them, the same on every run.

pub mod policies;
