//! Policies and rules in shadow → evidence → a verdict.
//!
//! `gathering` queries Prometheus. `verdict` is a pure function of the evidence.

pub mod bound;
pub mod candidate;
mod counted;
mod counting;
pub mod coverage;
pub mod enforce;
pub mod evidence;
mod gathering;
pub mod judged;
pub mod revisions;
pub mod schedule;
mod selectors;
pub mod verdict;

#[cfg(test)]
mod tests;

pub use counting::Window;
