//! Explanations of denied requests: the reason, and the change that would allow the request.

mod advice;
pub mod human;
pub mod json;
pub mod notes;
pub mod patch;
pub mod report;
