//! A request whose caller is known, as in the filter.

use std::net::IpAddr;

use policy_schema::engine::{
    CallerClasses, CompiledPolicy, MetadataText, PeerIp, Request, RequestAttributes,
};
use policy_schema::identity::{ClientCertificate, PeerIdentity};
use policy_schema::rule::MetadataKey;
use policy_schema::timestamp::Timestamp;

/// A request with the classes of its caller.
pub(crate) struct WithKnownCaller<'r> {
    request: &'r Request<'r>,
    classes: Option<CallerClasses>,
}

impl<'r> WithKnownCaller<'r> {
    pub(crate) fn new(policy: &CompiledPolicy, request: &'r Request<'r>) -> Self {
        Self {
            request,
            classes: policy.classes_of(request.peer),
        }
    }
}

impl RequestAttributes for WithKnownCaller<'_> {
    fn caller_classes(&self) -> Option<&CallerClasses> {
        self.classes.as_ref()
    }

    fn peer(&self) -> PeerIdentity<'_> {
        self.request.peer()
    }

    fn client_certificate(&self) -> Option<&ClientCertificate> {
        self.request.client_certificate()
    }

    fn method(&self) -> Option<&[u8]> {
        self.request.method()
    }

    fn path(&self) -> Option<&[u8]> {
        self.request.path()
    }

    fn authority(&self) -> Option<&[u8]> {
        self.request.authority()
    }

    fn port(&self) -> Option<u16> {
        self.request.port()
    }

    fn local_ip(&self) -> Option<IpAddr> {
        self.request.local_ip()
    }

    fn peer_ip(&self) -> PeerIp {
        self.request.peer_ip()
    }

    fn remote_ip(&self) -> Option<IpAddr> {
        self.request.remote_ip()
    }

    fn server_name(&self) -> Option<&[u8]> {
        self.request.server_name()
    }

    fn header(&self, name: &str, visit: &mut dyn FnMut(&[u8])) {
        self.request.header(name, visit);
    }

    fn metadata(&self, key: &MetadataKey, visit: &mut dyn FnMut(MetadataText<'_>)) {
        self.request.metadata(key, visit);
    }

    fn now(&self) -> Option<Timestamp> {
        self.request.now()
    }
}
