//! Insight into a running mesh: counters, promotion of shadow rules, learned rules and explanations of denials.

pub mod compilation;
pub mod decision;
pub mod explanation;
#[cfg(test)]
mod fuzz;
pub mod learning;
pub mod policy_lookup;
pub mod policy_selection;
pub mod policy_text;
pub mod prometheus;
pub mod promotion;
mod promql;
pub mod traffic;
