//! The bootstraps of sidecars, with the options of Istio's sidecars.
//!
//! A bootstrap is a [`Value`], so that tests can change it.

mod http;
mod json;
mod stats;
mod tls;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::{Value, json};

use self::http::{ForwardedCert, HttpListener};
use self::json::put;
use crate::IdentityFiles;

/// The inbound listener that requires a client certificate.
pub const INBOUND_STRICT: &str = "inbound-strict";
/// The inbound listener that accepts clients with a certificate and clients without TLS.
pub const INBOUND_PERMISSIVE: &str = "inbound-permissive";
/// The inbound listener that accepts TLS clients with or without a certificate.
pub const INBOUND_OPTIONAL_TLS: &str = "inbound-optional-tls";

/// The cluster of an inbound sidecar's upstream.
const UPSTREAM: &str = "upstream";

/// The sidecar in front of a service, which runs the filters under test.
#[derive(Clone, Debug)]
pub struct InboundSidecar {
    /// The certificate of the service.
    pub identity: IdentityFiles,
    /// The root that client certificates must chain to.
    pub ca: PathBuf,
    /// The address of the service.
    pub upstream: SocketAddr,
    /// The HTTP filters before the router, in order.
    pub http_filters: Vec<Value>,
    /// The trust domains that client certificates must belong to, as in Istio. Any if empty.
    pub trust_domains: Vec<String>,
    /// The labels of the workload in Istio's node metadata.
    pub labels: BTreeMap<String, String>,
    /// The namespace and name of the pod in Istio's node metadata.
    pub pod: Option<(String, String)>,
    /// The tags in metric names, as `<tag>=.=<value>;.;`.
    pub stats_tags: Vec<String>,
    /// The access log file, with one JSON line per request.
    pub access_log: Option<PathBuf>,
}

impl InboundSidecar {
    /// Creates a sidecar without filters.
    pub fn new(identity: IdentityFiles, ca: PathBuf, upstream: SocketAddr) -> Self {
        Self {
            identity,
            ca,
            upstream,
            http_filters: Vec::new(),
            trust_domains: Vec::new(),
            labels: BTreeMap::new(),
            pod: None,
            stats_tags: Vec::new(),
            access_log: None,
        }
    }

    /// The bootstrap, with the listeners [`INBOUND_STRICT`], [`INBOUND_PERMISSIVE`] and [`INBOUND_OPTIONAL_TLS`].
    pub fn bootstrap(&self) -> Value {
        let mutual = self.filter_chain(INBOUND_STRICT, Some(true));
        let mut listeners = [
            listener(INBOUND_STRICT, &[mutual]),
            self.permissive_listener(),
            listener(
                INBOUND_OPTIONAL_TLS,
                &[self.filter_chain(INBOUND_OPTIONAL_TLS, Some(false))],
            ),
        ];
        for listener in &mut listeners {
            put(listener, "traffic_direction", json!("INBOUND"));
        }
        let clusters = [cluster(UPSTREAM, self.upstream, None)];
        let mut bootstrap = bootstrap("inbound", &listeners, &clusters, &self.stats_tags);
        let mut metadata = json!({ "LABELS": self.labels });
        if let Some((namespace, name)) = &self.pod {
            put(&mut metadata, "NAMESPACE", json!(namespace));
            put(&mut metadata, "NAME", json!(name));
        }
        if let Some(node) = bootstrap.get_mut("node") {
            put(node, "metadata", metadata);
        }
        bootstrap
    }

    fn permissive_listener(&self) -> Value {
        let chain = |transport: &str, require_certificate| {
            let mut chain = self.filter_chain(INBOUND_PERMISSIVE, require_certificate);
            put(
                &mut chain,
                "name",
                json!(format!("{INBOUND_PERMISSIVE}-{transport}")),
            );
            put(
                &mut chain,
                "filter_chain_match",
                json!({ "transport_protocol": transport }),
            );
            chain
        };
        let chains = [chain("tls", Some(true)), chain("raw_buffer", None)];
        let mut listener = listener(INBOUND_PERMISSIVE, &chains);
        let inspector = json!({
            "name": "envoy.filters.listener.tls_inspector",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
            },
        });
        put(&mut listener, "listener_filters", json!([inspector]));
        listener
    }

    /// `require_certificate` is `None` for a chain without TLS.
    fn filter_chain(&self, name: &str, require_certificate: Option<bool>) -> Value {
        let http = HttpListener {
            stat_prefix: name,
            cluster: UPSTREAM,
            http_filters: &self.http_filters,
            forwarded_cert: ForwardedCert::Append,
            access_log: self.access_log.as_deref(),
        };
        let mut chain = json!({ "name": name, "filters": [http.connection_manager()] });
        if let Some(require) = require_certificate {
            let socket = tls::downstream(&self.identity, &self.ca, &self.trust_domains, require);
            put(&mut chain, "transport_socket", socket);
        }
        chain
    }
}

/// A caller with a listener at an [`OutboundSidecar`].
#[derive(Clone, Debug)]
pub struct Caller {
    /// The name of the caller's listener.
    pub listener: String,
    /// The caller's certificate.
    pub identity: IdentityFiles,
}

/// The sidecars of all callers in one Envoy, which accepts plaintext and sends mTLS.
#[derive(Clone, Debug)]
pub struct OutboundSidecar {
    /// The callers, with one listener each.
    pub callers: Vec<Caller>,
    /// The root that the server certificate must chain to.
    pub ca: PathBuf,
    /// The inbound listener that receives all calls.
    pub target: SocketAddr,
    /// The required URI SAN of the server, if any.
    pub server_name: Option<String>,
    /// The tags in metric names, as `<tag>=.=<value>;.;`.
    pub stats_tags: Vec<String>,
}

impl OutboundSidecar {
    /// Creates a sidecar without callers, which trusts every server of the root.
    pub fn new(ca: PathBuf, target: SocketAddr) -> Self {
        Self {
            callers: Vec::new(),
            ca,
            target,
            server_name: None,
            stats_tags: Vec::new(),
        }
    }

    /// Adds a caller with its listener.
    #[must_use]
    pub fn caller(mut self, listener: &str, identity: IdentityFiles) -> Self {
        self.callers.push(Caller {
            listener: listener.into(),
            identity,
        });
        self
    }

    /// The bootstrap, with one listener per caller.
    pub fn bootstrap(&self) -> Value {
        let listeners = self.callers.iter().map(|caller| {
            let http = HttpListener {
                stat_prefix: &caller.listener,
                cluster: &caller.listener,
                http_filters: &[],
                forwarded_cert: ForwardedCert::Sanitize,
                access_log: None,
            };
            let chain = json!({ "filters": [http.connection_manager()] });
            listener(&caller.listener, &[chain])
        });
        let clusters = self.callers.iter().map(|caller| {
            let socket = tls::upstream(&caller.identity, &self.ca, self.server_name.as_deref());
            cluster(&caller.listener, self.target, Some(socket))
        });
        bootstrap(
            "outbound",
            &listeners.collect::<Vec<_>>(),
            &clusters.collect::<Vec<_>>(),
            &self.stats_tags,
        )
    }
}

fn bootstrap(node: &str, listeners: &[Value], clusters: &[Value], stats_tags: &[String]) -> Value {
    json!({
        "node": { "id": node, "cluster": "peergate-sandbox" },
        "admin": { "address": any_port() },
        "stats_config": stats::config(stats_tags),
        "static_resources": { "listeners": listeners, "clusters": clusters },
    })
}

fn listener(name: &str, filter_chains: &[Value]) -> Value {
    json!({ "name": name, "address": any_port(), "filter_chains": filter_chains })
}

fn cluster(name: &str, addr: SocketAddr, transport_socket: Option<Value>) -> Value {
    let mut cluster = json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": address(addr) } }] }],
        },
        // As in Istio, HTTP/2 stays HTTP/2 from caller to service.
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "use_downstream_protocol_config": {
                    "http_protocol_options": {},
                    "http2_protocol_options": { "allow_connect": true },
                },
            },
        },
    });
    if let Some(socket) = transport_socket {
        put(&mut cluster, "transport_socket", socket);
    }
    cluster
}

fn any_port() -> Value {
    address(SocketAddr::from(([127, 0, 0, 1], 0)))
}

fn address(addr: SocketAddr) -> Value {
    json!({ "socket_address": { "address": addr.ip().to_string(), "port_value": addr.port() } })
}
