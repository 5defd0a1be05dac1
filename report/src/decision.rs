//! What the policies decide about a request.

pub mod human;
pub mod json;
