//! The caller of a request, as rules see it.

use crate::identity::{ClientCertificate, SpiffeId};

/// A caller that can match rules.
#[derive(Clone, Copy, Debug)]
pub(super) enum EngineCaller<'r> {
    /// Without any identity.
    Anonymous,
    /// With an identity of the mesh.
    Workload(SpiffeId<'r>),
    /// From outside the mesh, with a certificate that the gateway validated.
    Certificate(&'r ClientCertificate),
}

/// The rules that may match a workload, found once for all its requests. Made by
/// [`CompiledPolicy::classes_of`](super::CompiledPolicy::classes_of).
#[derive(Debug)]
pub struct CallerClasses {
    pub(super) deny: Box<[usize]>,
    pub(super) allow: Box<[usize]>,
    pub(super) recorded: Box<[usize]>,
}
