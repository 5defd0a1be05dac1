//! How scalars are to be read.

/// How a scalar is to be read, which tells `80` from `"80"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As text, since it is quoted, a block, or tagged as text.
    Text,
    /// By the core schema of YAML 1.2.
    Core,
    /// As `kubectl` reads it. `null` stands for the absence of a field then.
    Kubernetes,
}
