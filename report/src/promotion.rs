//! Verdicts on policies and rules in shadow, as text and JSON.

mod denials;
pub mod human;
pub mod json;
mod notes;
pub mod report;
mod verdict;
mod wording;
