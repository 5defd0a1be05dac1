//! Where a mesh is not what the documents say.

pub mod github;
pub mod human;
pub mod json;
pub mod junit;
pub mod sarif;
