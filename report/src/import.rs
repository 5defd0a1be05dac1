//! Imported documents and notes about them.

pub mod notes;
pub mod text;
