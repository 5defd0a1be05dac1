//! What was seen → rules that allow no more than that.
//!
//! ```text
//! access log, counters ──▶ observations ──judged by what is allowed already──▶ tallies of a workload
//!                                                     ids of paths folded ◀──────┘
//!                                                             └──▶ proposals ──▶ rules
//! ```
//!
//! Pure functions: reading files and asking servers is up to the command.

pub(crate) mod access_log;
pub(crate) mod caller;
pub(crate) mod counters;
mod letters;
pub(crate) mod observed;
pub(crate) mod path_folding;
mod path_positions;
mod path_shape;
pub(crate) mod proposal;
pub(crate) mod rule;
pub(crate) mod workload;

#[cfg(test)]
mod tests;
