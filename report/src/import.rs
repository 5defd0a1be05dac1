//! What was imported: the documents, and what to know about them.

pub mod notes;
pub mod text;
