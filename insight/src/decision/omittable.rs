//! Request attributes that a question may omit.

use policy_schema::engine::{PeerIp, Request};
use policy_schema::rule_spec::{OperationSpec, SourceSpec};

/// A request attribute that a question may omit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Omittable {
    Port,
    Host,
    SourceIp,
    RemoteIp,
    DestinationIp,
    ServerName,
}

impl Omittable {
    pub(super) const ALL: [Self; 6] = [
        Self::Port,
        Self::Host,
        Self::SourceIp,
        Self::RemoteIp,
        Self::DestinationIp,
        Self::ServerName,
    ];

    /// The name in messages.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Port => "a port",
            Self::Host => "a host",
            Self::SourceIp => "the address of the connection",
            Self::RemoteIp => "the client's address",
            Self::DestinationIp => "the workload's address",
            Self::ServerName => "the TLS server name",
        }
    }

    /// The argument and the field of a line.
    pub(super) const fn given_by(self) -> [&'static str; 2] {
        match self {
            Self::Port => ["--port", "port"],
            Self::Host => ["--host", "host"],
            Self::SourceIp => ["--source-ip", "sourceIp"],
            Self::RemoteIp => ["--remote-ip", "remoteIp"],
            Self::DestinationIp => ["--destination-ip", "destinationIp"],
            Self::ServerName => ["--server-name", "serverName"],
        }
    }

    pub(super) const fn bit(self) -> u8 {
        1 << self as u8
    }

    pub(super) fn is_omitted(self, request: &Request<'_>) -> bool {
        match self {
            Self::Port => request.port.is_none(),
            Self::Host => request.authority.is_none(),
            Self::SourceIp => request.peer_ip == PeerIp::Absent,
            Self::RemoteIp => request.remote_ip.is_none(),
            Self::DestinationIp => request.local_ip.is_none(),
            Self::ServerName => request.server_name.is_none(),
        }
    }

    /// The condition keys that depend on it.
    pub(super) fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Port => &["destination.port"],
            Self::Host => &["request.headers[:authority]", "request.headers[host]"],
            Self::SourceIp => &["source.ip"],
            Self::RemoteIp => &["remote.ip"],
            Self::DestinationIp => &["destination.ip"],
            Self::ServerName => &["connection.sni"],
        }
    }

    pub(super) fn forget_in_source(self, source: &mut SourceSpec) {
        match self {
            Self::SourceIp => {
                source.ip_blocks = None;
                source.not_ip_blocks = None;
            }
            Self::RemoteIp => {
                source.remote_ip_blocks = None;
                source.not_remote_ip_blocks = None;
            }
            Self::Port | Self::Host | Self::DestinationIp | Self::ServerName => {}
        }
    }

    pub(super) fn forget_in_operation(self, operation: &mut OperationSpec) {
        match self {
            Self::Port => {
                operation.ports = None;
                operation.not_ports = None;
            }
            Self::Host => {
                operation.hosts = None;
                operation.not_hosts = None;
            }
            Self::SourceIp | Self::RemoteIp | Self::DestinationIp | Self::ServerName => {}
        }
    }
}
