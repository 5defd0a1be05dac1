//! Formats results as text, tables, JSON, JUnit, SARIF and source excerpts.
//!
//! Pure: functions take results and return texts, bytes or values. Callers print and write them.

pub mod certificates;
mod columns;
pub mod decision;
mod entry;
pub mod explanation;
pub mod import;
pub mod learning;
pub mod limit;
mod listed;
pub mod message;
pub mod metrics;
mod near_rules;
pub mod place;
pub mod promotion;
pub mod remark;
pub mod rendered;
pub mod serialized;
pub mod shorten;
pub mod skipped;
pub mod traffic;
pub mod validation;
pub mod verification;
