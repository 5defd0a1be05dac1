//! What is wrong with policies, and what of them ends soon.

pub mod expiring;
pub mod github;
pub mod json;
pub mod junit;
pub mod sarif;
pub mod summary;
