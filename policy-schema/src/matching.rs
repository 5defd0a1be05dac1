//! The patterns of the policy language: Istio's syntax, with what can never match refused.

pub mod path;
mod path_parts;
pub mod text;

pub use path::PathMatch;
pub use path_parts::PathParts;
pub use text::TextMatch;
