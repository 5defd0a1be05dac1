//! Formats results as text, tables, JSON, JUnit, SARIF and source excerpts.
//!
//! Pure: functions take results and return texts, bytes or values. Callers print and write them.

pub mod certificates;
mod columns;
pub mod decision;
mod entry;
pub mod explanation;
pub mod generated;
mod github;
pub mod import;
mod junit;
pub mod learning;
pub mod limit;
pub mod listed;
pub mod message;
pub mod metrics;
mod near_rules;
pub mod pages;
pub mod place;
pub mod promotion;
pub mod remark;
pub mod rendered;
mod sarif;
pub mod serialized;
pub mod shorten;
pub mod skipped;
pub mod traffic;
pub mod validation;
pub mod verification;
