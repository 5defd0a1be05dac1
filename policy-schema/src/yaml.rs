//! The YAML that people write, with the position of everything in it.
//!
//! A policy is refused with every fault it has and not only with the first, and each fault points
//! at bytes of the file. So documents are first parsed into a tree that keeps positions, and the
//! tree is then read into Rust types by a deserializer that leaves out what is faulty and goes on.
//! A validator that walks the result maps its findings back with [`Node::locate`].
//!
//! The YAML is a strict subset of YAML 1.2: what hides a policy's meaning from its reader, such as
//! anchors or a second value for the same key, is refused instead of resolved.

mod anchors;
mod builder;
mod comment;
mod deserialize;
mod dialect;
mod form;
mod guidance;
mod kubernetes;
mod node;
mod parse;
mod placeholder;
mod position;
mod refusal;
mod scalar;
mod source;
mod wording;

#[cfg(test)]
mod tests;

pub use self::comment::Comment;
pub use self::deserialize::{read, read_as, read_guided};
pub use self::guidance::{Guidance, Instead};
pub use self::kubernetes::{Manifest, Unreadable, manifests};
pub use self::node::Node;
pub use self::parse::parse;
pub use self::position::{Excerpt, Lines, Position};

pub(crate) use self::wording::{closest, quoted};

use crate::code::Code;

/// A range of a text, in bytes. Both ends are on character boundaries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The offset of the first byte.
    pub start: usize,
    /// The offset after the last byte.
    pub end: usize,
}

/// Something in a YAML text that cannot be accepted as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The stable name of this kind of fault.
    pub code: Code,
    /// The part of the text that is wrong.
    pub span: Span,
    /// What is wrong, in one clause: lower case, no full stop, user text in back-ticks.
    pub message: String,
    /// What to do about it.
    pub help: String,
}
