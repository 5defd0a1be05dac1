//! Decisions about requests, as text and JSON.

pub mod human;
pub mod json;
