//! The attributes of a request.

use std::net::IpAddr;

use serde_json::Value;

use super::caller::CallerClasses;
use crate::identity::{ClientCertificate, PeerIdentity};
use crate::rule::MetadataKey;
use crate::timestamp::Timestamp;

/// The attributes of a request. Each is fetched only when a candidate rule needs it, because in a
/// proxy each costs a host call. The engine may fetch an attribute twice.
///
/// `None` means that the request does not have the attribute. It matches no pattern. Under `not…`
/// it counts against the caller: it fails an `Allow` rule and satisfies a `Deny` rule.
pub trait RequestAttributes {
    /// The identity that the connection's handshake verified.
    fn peer(&self) -> PeerIdentity<'_>;
    /// The result of [`CompiledPolicy::classes_of`](super::CompiledPolicy::classes_of) for this
    /// policy and the identity of [`peer`](Self::peer), if it is known.
    fn caller_classes(&self) -> Option<&CallerClasses> {
        None
    }
    /// The client's certificate from outside the mesh, if it was validated and is completely
    /// readable. Only used at gateways.
    fn client_certificate(&self) -> Option<&ClientCertificate>;
    /// `:method`.
    fn method(&self) -> Option<&[u8]>;
    /// `:path` as the proxy normalized it, without query and fragment ([`path_without_query`]).
    fn path(&self) -> Option<&[u8]>;
    /// `:authority`, with the port if it has one.
    fn authority(&self) -> Option<&[u8]>;
    /// The workload's own port on which the connection arrived.
    fn port(&self) -> Option<u16>;
    /// The workload's own address on which the connection arrived.
    fn local_ip(&self) -> Option<IpAddr>;
    /// The source address of the connection.
    fn peer_ip(&self) -> PeerIp;
    /// The client's address, from `x-forwarded-for` or the PROXY protocol if the proxy trusts them;
    /// otherwise the connection's.
    fn remote_ip(&self) -> Option<IpAddr>;
    /// The server name in the client's TLS handshake. Not empty.
    fn server_name(&self) -> Option<&[u8]>;
    /// Calls `visit` with each value of a request header, including pseudo-headers, in order.
    /// `name` is in lower case. A header may be present but empty.
    fn header(&self, name: &str, visit: &mut dyn FnMut(&[u8]));
    /// Calls `visit` with the dynamic metadata at `key`: the text, or each text of a list. Other
    /// values are not visited.
    fn metadata(&self, key: &MetadataKey, visit: &mut dyn FnMut(MetadataText<'_>));
    /// The time of the request. Without it, no timed `Allow` rule applies, and every timed `Deny`
    /// rule does.
    fn now(&self) -> Option<Timestamp>;
}

/// The source address of a connection, which is not visible to every enforcement point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerIp {
    /// Not visible to this enforcement point. Conditions on it are left to the other one: they hold
    /// for an `Allow` rule, and fail for all others.
    Hidden,
    /// The connection has no IP address.
    Absent,
    /// The source address.
    Known(IpAddr),
}

/// A text in the dynamic metadata of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetadataText<'a> {
    /// The value itself.
    Whole(&'a [u8]),
    /// An element of a list.
    Element(&'a [u8]),
}

/// A request with all its attributes.
#[derive(Clone, Copy, Debug)]
pub struct Request<'r> {
    /// The identity that the connection's handshake verified.
    pub peer: PeerIdentity<'r>,
    /// The client's certificate from outside the mesh, if a gateway validated one.
    pub client_certificate: Option<&'r ClientCertificate>,
    /// `:method`.
    pub method: Option<&'r [u8]>,
    /// `:path`, with or without query and fragment.
    pub path: Option<&'r [u8]>,
    /// `:authority`.
    pub authority: Option<&'r [u8]>,
    /// The workload's own port on which the connection arrived.
    pub port: Option<u16>,
    /// The workload's own address on which the connection arrived.
    pub local_ip: Option<IpAddr>,
    /// The source address of the connection.
    pub peer_ip: PeerIp,
    /// The client's address.
    pub remote_ip: Option<IpAddr>,
    /// The server name in the TLS handshake.
    pub server_name: Option<&'r [u8]>,
    /// The headers other than pseudo-headers, in order, with names in any case.
    pub headers: &'r [(&'r str, &'r [u8])],
    /// The dynamic metadata: an object with a field per filter, as Envoy shows it.
    pub metadata: Option<&'r Value>,
    /// The time of the request.
    pub now: Timestamp,
}

impl<'r> Request<'r> {
    /// A request with only a caller and a time.
    pub fn from_peer(peer: PeerIdentity<'r>, now: Timestamp) -> Self {
        Self {
            peer,
            client_certificate: None,
            method: None,
            path: None,
            authority: None,
            port: None,
            local_ip: None,
            peer_ip: PeerIp::Absent,
            remote_ip: None,
            server_name: None,
            headers: &[],
            metadata: None,
            now,
        }
    }
}

impl RequestAttributes for Request<'_> {
    fn peer(&self) -> PeerIdentity<'_> {
        self.peer
    }

    fn client_certificate(&self) -> Option<&ClientCertificate> {
        self.client_certificate
    }

    fn method(&self) -> Option<&[u8]> {
        self.method
    }

    fn path(&self) -> Option<&[u8]> {
        self.path.map(path_without_query)
    }

    fn authority(&self) -> Option<&[u8]> {
        self.authority
    }

    fn port(&self) -> Option<u16> {
        self.port
    }

    fn local_ip(&self) -> Option<IpAddr> {
        self.local_ip
    }

    fn peer_ip(&self) -> PeerIp {
        self.peer_ip
    }

    fn remote_ip(&self) -> Option<IpAddr> {
        self.remote_ip
    }

    fn server_name(&self) -> Option<&[u8]> {
        self.server_name
    }

    fn header(&self, name: &str, visit: &mut dyn FnMut(&[u8])) {
        let pseudo_header = match name {
            ":method" => self.method,
            ":path" => self.path,
            // To Envoy they are the same header.
            ":authority" | "host" => self.authority,
            _ => None,
        };
        pseudo_header.into_iter().for_each(&mut *visit);
        for (other, value) in self.headers {
            if other.eq_ignore_ascii_case(name) {
                visit(value);
            }
        }
    }

    fn metadata(&self, key: &MetadataKey, visit: &mut dyn FnMut(MetadataText<'_>)) {
        let mut value = self
            .metadata
            .and_then(|metadata| metadata.get(&*key.filter));
        for key in &key.path {
            value = value.and_then(|value| value.get(&**key));
        }
        match value {
            Some(Value::String(text)) => visit(MetadataText::Whole(text.as_bytes())),
            Some(Value::Array(elements)) => elements
                .iter()
                .filter_map(Value::as_str)
                .for_each(|text| visit(MetadataText::Element(text.as_bytes()))),
            _ => {}
        }
    }

    fn now(&self) -> Option<Timestamp> {
        Some(self.now)
    }
}

/// The path up to the first `?` or `#`, as Envoy's RBAC sees it (`url_path`).
pub fn path_without_query(path: &[u8]) -> &[u8] {
    path.split(|byte| matches!(byte, b'?' | b'#'))
        .next()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
