//! What is wrong with policies, and what of them ends soon.

pub mod expiring;
pub mod json;
pub mod summary;
