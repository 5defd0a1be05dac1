//! The patterns of the policy language: Istio's syntax, with what can never match refused, and the
//! spellings that clients and proxies have for the same value.

pub mod arrival;
pub mod header;
pub(crate) mod host;
pub mod path;
mod path_parts;
mod reading;
pub mod text;

pub use path::PathCover;
pub use path::PathMatch;
pub use path_parts::PathParts;
pub use reading::Reading;
pub use text::TextCover;
pub use text::TextMatch;
