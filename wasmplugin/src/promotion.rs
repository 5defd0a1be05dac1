//! What is in shadow → what was seen of it → whether it can be enforced.
//!
//! Asking Prometheus is one file, `evidence`; what is made of the answers is a pure function, `verdict`.

pub(crate) mod bound;
pub(crate) mod candidate;
mod counting;
pub(crate) mod coverage;
pub(crate) mod evidence;
pub(crate) mod label;
pub(crate) mod revisions;
pub(crate) mod schedule;
pub(crate) mod verdict;

#[cfg(test)]
mod tests;

pub(crate) use counting::Window;
