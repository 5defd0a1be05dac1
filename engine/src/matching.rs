//! The patterns of the policy language, in Istio's syntax. Patterns that can never match are
//! rejected. Also covers the different spellings of a value by clients and proxies.

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
