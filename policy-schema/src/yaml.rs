//! Parses YAML of users, with the position of every value.
//!
//! A refused policy shows all its faults, not only the first, and each fault points at bytes of the
//! file. So documents are first parsed to a tree with positions. A deserializer then reads the tree
//! into Rust types, and skips faulty values. Validation maps its findings to positions with
//! [`Node::locate`].
//!
//! The supported YAML is a strict subset of YAML 1.2. Features that hide a policy's meaning, such
//! as anchors or duplicate keys, are refused.

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

/// A range of a text, in bytes. Both ends are character boundaries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The offset of the first byte.
    pub start: usize,
    /// The offset after the last byte.
    pub end: usize,
}

/// A part of a YAML text that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The stable name of this kind of fault.
    pub code: Code,
    /// The part of the text that is wrong.
    pub span: Span,
    /// The problem, in one clause: lower case, no full stop, user text in back-ticks.
    pub message: String,
    /// The fix.
    pub help: String,
}
