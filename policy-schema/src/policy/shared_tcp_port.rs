//! A port without HTTP that policies for the same workloads share.

/// A port in the `tcpPorts` of another policy that shares workloads with this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SharedTcpPort {
    pub(crate) port: u16,
    /// The position of the other policy in [`PolicySet::policies`].
    pub(crate) policy: usize,
    /// Whether all workloads of this policy have the port, not just some.
    pub(crate) is_everywhere: bool,
}
