//! Observed traffic → rules that allow exactly this traffic.
//!
//! ```text
//! access log, counters ──▶ observations ──checked against existing policies──▶ tallies of a workload
//!                                                    IDs in paths folded  ◀──────┘
//!                                                             └──▶ proposals ──▶ rules
//! ```
//!
//! Pure functions, except that `series` queries Prometheus. The command opens files.

pub mod access_log;
pub mod caller;
pub mod counters;
pub mod document;
pub mod draft;
pub mod existing_policies;
pub mod hand_template;
pub mod learned;
mod letters;
pub mod observed;
pub mod path_folding;
mod path_positions;
mod path_segments;
mod path_shape;
pub mod proposal;
pub mod rule;
pub mod seen;
pub mod series;
pub mod wording;
pub mod workload;

#[cfg(test)]
mod tests;
