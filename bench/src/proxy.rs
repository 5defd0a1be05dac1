//! A running Envoy with the filters of a row.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::{Duration, Instant};

use peergate_sandbox::{
    Authority, Envoy, EnvoyBinary, INBOUND_STRICT, IdentityFiles, InboundSidecar, Leaf,
};
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::error::BenchError;
use crate::filters::{AUTHORIZER_CLUSTER, Modules};
use crate::load::{Connections, Load};
use crate::measured_policy::MeasuredPolicy;
use crate::process::{Cpus, SchedulerTimes, resident_kib};
use crate::protocol::Protocol;
use crate::rows::{Row, Verdict};

/// What all proxies share.
#[derive(Debug)]
pub struct Mesh {
    binary: EnvoyBinary,
    authority: Authority,
    identity: IdentityFiles,
    ca: std::path::PathBuf,
    modules: Modules,
    cpus: Cpus,
}

/// A proxy with connections to it. It stops when dropped.
#[derive(Debug)]
pub struct Proxy {
    envoy: Envoy,
    /// From the start of the process to the first answer. The resolution is 10 ms.
    pub ready: Duration,
    http1: Connections,
    http2: Connections,
}

impl Mesh {
    /// Creates the certificates in `folder`.
    pub fn new(folder: &Path, modules: Modules, cpus: Cpus) -> Result<Self, BenchError> {
        let authority = Authority::new()?;
        let leaf = Leaf {
            // The client verifies the address, as it has no verifier for SPIFFE IDs.
            ip_sans: vec![IpAddr::from(Ipv4Addr::LOCALHOST)],
            ..Leaf::spiffe("spiffe://cluster.local/ns/shop/sa/orders")
        };
        Ok(Self {
            binary: EnvoyBinary::find(None)?,
            identity: authority.issue(&leaf)?.write_to(folder, "service")?,
            ca: authority.write_to(folder, "ca")?,
            authority,
            modules,
            cpus,
        })
    }

    /// The version of Envoy.
    pub fn envoy_version(&self) -> &str {
        self.binary.version()
    }

    /// Starts a proxy and sends it a first request.
    pub fn start(&self, row: &Row, load: &Load) -> Result<Proxy, BenchError> {
        let mut sidecar =
            InboundSidecar::new(self.identity.clone(), self.ca.clone(), load.upstream);
        let policy = MeasuredPolicy::new(row.shape, row.rules, row.reporting)?;
        let caller = match row.verdict {
            Verdict::Allowed => policy.last_caller()?,
            Verdict::Denied => Caller::unknown(),
        };
        sidecar.http_filters = self.modules.filters(row, &policy)?;
        let mut bootstrap = sidecar.bootstrap();
        keep_strict_listener(&mut bootstrap);
        add_authorizer(&mut bootstrap, load);

        let start = Instant::now();
        let envoy = self
            .cpus
            .start_proxy(|| Ok(Envoy::start(&self.binary, &bootstrap)?))?;
        let listener = envoy.listener(INBOUND_STRICT)?;
        let connect =
            |protocol| load.connect(listener, protocol, &self.authority, &caller, row.status());
        let mut http1 = connect(Protocol::Http1)?;
        load.send_one(&mut http1)?;
        let ready = start.elapsed();
        Ok(Proxy {
            envoy,
            ready,
            http1,
            http2: connect(Protocol::Http2)?,
        })
    }
}

impl Proxy {
    /// The connections with an HTTP version.
    pub fn connections(&mut self, protocol: Protocol) -> &mut Connections {
        match protocol {
            Protocol::Http1 => &mut self.http1,
            Protocol::Http2 => &mut self.http2,
        }
    }

    /// The scheduler's counters so far.
    pub fn times(&self) -> Result<SchedulerTimes, BenchError> {
        SchedulerTimes::of_process(self.envoy.pid())
    }

    /// The resident memory, in KiB.
    pub fn resident_kib(&self) -> Result<u64, BenchError> {
        resident_kib(self.envoy.pid())
    }
}

/// Each listener would load the filters again.
fn keep_strict_listener(bootstrap: &mut Value) {
    let listeners = bootstrap.pointer_mut("/static_resources/listeners");
    if let Some(listeners) = listeners.and_then(Value::as_array_mut) {
        listeners.retain(|listener| {
            listener.get("name").and_then(Value::as_str) == Some(INBOUND_STRICT)
        });
    }
}

fn add_authorizer(bootstrap: &mut Value, load: &Load) {
    let address = load.authorizer;
    let socket = json!({ "address": address.ip().to_string(), "port_value": address.port() });
    let endpoint = json!({ "endpoint": { "address": { "socket_address": socket } } });
    let cluster = json!({
        "name": AUTHORIZER_CLUSTER,
        "type": "STATIC",
        "load_assignment": {
            "cluster_name": AUTHORIZER_CLUSTER,
            "endpoints": [{ "lb_endpoints": [endpoint] }],
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": { "http2_protocol_options": {} },
            },
        },
    });
    let clusters = bootstrap.pointer_mut("/static_resources/clusters");
    if let Some(clusters) = clusters.and_then(Value::as_array_mut) {
        clusters.push(cluster);
    }
}
