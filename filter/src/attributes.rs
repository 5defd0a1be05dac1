//! The attributes of the current request, each asked for when first needed and then kept.

use std::cell::OnceCell;
use std::rc::Rc;

use policy_schema::engine::{RequestAttributes, path_without_query};
use policy_schema::identity::PeerIdentity;
use policy_schema::timestamp::Timestamp;

use crate::host::Host;
use crate::identity_cache::{IdentityCache, Seen};

const DESTINATION_PORT: &[u8] = b"destination\0port";

/// The request that the proxy is at.
#[derive(Debug)]
pub(crate) struct Attributes<'h, H> {
    host: &'h H,
    peer: Rc<Seen>,
    method: OnceCell<Option<Vec<u8>>>,
    path: OnceCell<Option<Vec<u8>>>,
    authority: OnceCell<Option<Vec<u8>>>,
    port: OnceCell<Option<u16>>,
    now: OnceCell<Timestamp>,
}

impl<'h, H: Host> Attributes<'h, H> {
    /// Asks for the peer at once, since every decision begins with it.
    pub(crate) fn new(host: &'h H, identities: &IdentityCache) -> Self {
        Self {
            host,
            peer: identities.peer(host),
            method: OnceCell::new(),
            path: OnceCell::new(),
            authority: OnceCell::new(),
            port: OnceCell::new(),
            now: OnceCell::new(),
        }
    }

    /// A pseudo-header. An empty one says no more than an absent one.
    fn header<'a>(
        &self,
        kept: &'a OnceCell<Option<Vec<u8>>>,
        name: &'static str,
    ) -> Option<&'a [u8]> {
        kept.get_or_init(|| self.host.request_header(name))
            .as_deref()
            .filter(|value| !value.is_empty())
    }
}

impl<H: Host> RequestAttributes for Attributes<'_, H> {
    fn peer(&self) -> PeerIdentity<'_> {
        self.peer.name.identity()
    }

    fn method(&self) -> Option<&[u8]> {
        self.header(&self.method, ":method")
    }

    fn path(&self) -> Option<&[u8]> {
        self.header(&self.path, ":path").map(path_without_query)
    }

    fn host(&self) -> Option<&[u8]> {
        self.header(&self.authority, ":authority")
    }

    fn port(&self) -> Option<u16> {
        *self.port.get_or_init(|| {
            let bytes = self.host.property(DESTINATION_PORT)?;
            u16::try_from(i64::from_le_bytes(bytes.try_into().ok()?)).ok()
        })
    }

    fn now(&self) -> Timestamp {
        *self.now.get_or_init(|| self.host.now())
    }
}
