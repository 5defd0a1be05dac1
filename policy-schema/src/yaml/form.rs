//! How scalars are read.

/// How a scalar is read, which distinguishes `80` from `"80"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As text: it is quoted, a block, or tagged as text.
    Text,
    /// By the core schema of YAML 1.2.
    Core,
    /// Like `kubectl`. `null` then means that a field is absent.
    Kubernetes,
}
