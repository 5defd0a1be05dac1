//! What is in shadow → what was seen of it → whether it can be enforced.
//!
//! Asking Prometheus is one file, `gathering`; what is made of the answers is a pure function, `verdict`.

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
