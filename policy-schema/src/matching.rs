//! The patterns of the policy language: Istio's syntax, with what can never match refused.

pub mod header;
pub mod path;
pub mod text;

pub use path::PathMatch;
pub use text::TextMatch;
