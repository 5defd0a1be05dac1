//! A port that policies for the same workloads share.

/// A port that another policy for some of the same workloads has in its `tcpPorts`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SharedTcpPort {
    /// The port.
    pub(crate) port: u16,
    /// The position of the other policy in [`PolicySet::policies`].
    pub(crate) policy: usize,
    /// Whether the port is one on all workloads of this policy, and not on some of them.
    pub(crate) is_everywhere: bool,
}
