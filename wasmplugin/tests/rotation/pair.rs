//! A service and its caller.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use peergate_sandbox::{
    Client, INBOUND_STRICT, IdentityFiles, InboundSidecar, OutboundSidecar, Request, Upstream,
};
use serde_json::json;
use tempfile::TempDir;

use crate::issuing::Issuing;
use crate::proxy::{Proxy, SecretFiles};
use crate::{CALLER, DOMAIN, SERVER};

/// A service and a caller, each behind its own proxy.
pub(crate) struct Pair {
    pub(crate) server: Proxy,
    pub(crate) caller: Proxy,
    pub(crate) client: SocketAddr,
    _upstream: Upstream,
    pub(crate) folder: TempDir,
}

impl Pair {
    pub(crate) fn start() -> (Self, Issuing) {
        let folder = tempfile::tempdir().unwrap();
        let issuing = Issuing::new(folder.path(), "root-1", "east-1");
        let secrets = |name: &str, id: &str| {
            let files = SecretFiles {
                folder: folder.path().join(name),
            };
            fs::create_dir(&files.folder).unwrap();
            files.put_leaf(&issuing.good(id));
            files.put_roots(&issuing.root);
            files
        };
        let nowhere = IdentityFiles {
            cert: PathBuf::new(),
            key: PathBuf::new(),
        };
        let upstream = Upstream::start().unwrap();
        let mut inbound = InboundSidecar::new(nowhere.clone(), PathBuf::new(), upstream.addr());
        inbound.trust_domains = vec![DOMAIN.to_owned()];
        let server = Proxy::start(inbound.bootstrap(), secrets("server", SERVER));
        let target = server.envoy.listener(INBOUND_STRICT).unwrap();
        let mut outbound = OutboundSidecar::new(PathBuf::new(), target).caller("web", nowhere);
        outbound.server_name = Some(SERVER.to_owned());
        let mut bootstrap = outbound.bootstrap();
        // Each request makes a handshake, which shows the current certificates.
        let options =
            &mut bootstrap["static_resources"]["clusters"][0]["typed_extension_protocol_options"];
        let options = &mut options["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"];
        options["common_http_protocol_options"] = json!({"max_requests_per_connection": 1});
        let caller = Proxy::start(bootstrap, secrets("caller", CALLER));
        let client = caller.envoy.listener("web").unwrap();
        let pair = Self {
            server,
            caller,
            client,
            _upstream: upstream,
            folder,
        };
        (pair, issuing)
    }

    pub(crate) fn status(&self) -> u16 {
        let client = Client::new(self.client).unwrap();
        client.send(&Request::get("/")).unwrap().status
    }
}
