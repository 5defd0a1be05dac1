//! What operators learn from a running mesh: what was counted, what is ready to be enforced, which rules the traffic needs,
//! and why a request was denied.

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
