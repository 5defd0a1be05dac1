//! Rendered policies as texts and files, and notes about them.

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
pub mod together;
pub mod undeclared_providers;
pub mod widening;
