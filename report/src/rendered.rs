//! Rendered policies as texts and files, and notes about them.

mod annotated;
mod applied;
pub mod files;
pub mod folder;
pub mod install;
pub mod names;
pub mod notes;
pub mod object;
pub mod objects;
pub mod prometheus_rule;
mod release;
pub mod size;
mod stale;
pub mod together;
pub mod undeclared_providers;
pub mod widening;

pub use stale::stale_note;

/// The purpose in the comment of a rendered file.
pub const HEADER: &str = "rendered from policy documents. Do not edit";
