//! Whether what is in shadow can be enforced.

mod denials;
pub mod human;
pub mod json;
mod notes;
pub mod report;
mod verdict;
mod wording;
