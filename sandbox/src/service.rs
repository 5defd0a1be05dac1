//! A complete service behind its sidecar.

use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    Authority, Client, Envoy, EnvoyBinary, Error, INBOUND_PERMISSIVE, INBOUND_STRICT,
    InboundSidecar, Leaf, Upstream,
};

/// A running service with its sidecar. Both stop when dropped.
#[derive(Debug)]
pub struct Service {
    // Declared before its dependencies, because fields are dropped in order.
    /// The sidecar.
    pub envoy: Envoy,
    /// The service itself.
    pub upstream: Upstream,
    /// The CA of the service and its callers.
    pub authority: Authority,
    _files: TempDir,
}

impl Service {
    /// Starts a service with this certificate. `configure` creates the bootstrap, and may write files to the given folder, which is
    /// deleted when dropped.
    pub fn start(
        leaf: &Leaf,
        configure: impl FnOnce(InboundSidecar, &Path) -> Value,
    ) -> Result<Self, Error> {
        let files = TempDir::with_prefix("peergate-service-")
            .map_err(Error::io("make a temporary directory"))?;
        let authority = Authority::new()?;
        let ca = authority.write_to(files.path(), "ca")?;
        let identity = authority.issue(leaf)?.write_to(files.path(), "service")?;
        let upstream = Upstream::start()?;
        let sidecar = InboundSidecar::new(identity, ca, upstream.addr());
        let bootstrap = configure(sidecar, files.path());
        Ok(Self {
            envoy: Envoy::start(&EnvoyBinary::find(None)?, &bootstrap)?,
            upstream,
            authority,
            _files: files,
        })
    }

    /// A client with a new certificate for this URI, at the listener that requires one.
    pub fn client_as(&self, uri: &str) -> Result<Client, Error> {
        let identity = self.authority.issue(&Leaf::uris([uri]))?;
        self.at(INBOUND_STRICT)?
            .tls(&self.authority, Some(&identity))
    }

    /// A client without TLS, at the permissive listener.
    pub fn plaintext_client(&self) -> Result<Client, Error> {
        self.at(INBOUND_PERMISSIVE)
    }

    /// A client without TLS, at any listener.
    pub fn at(&self, listener: &str) -> Result<Client, Error> {
        Client::new(self.envoy.listener(listener)?)
    }
}
