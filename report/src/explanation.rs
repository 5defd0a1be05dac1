//! Why a request was denied, and what change would allow it.

mod advice;
pub mod human;
pub mod json;
pub mod notes;
pub mod patch;
pub mod report;
