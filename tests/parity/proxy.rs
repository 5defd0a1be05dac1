//! An Envoy with each policy in two listeners: one with the filter, and one with RBAC.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use peergate_sandbox::{Envoy, EnvoyBinary, InboundSidecar, Leaf};
use peergate_tests::module;
use policy_schema::envoy::{HttpFilter, RbacFilter, http_filters};
use policy_schema::policy::{PolicySet, ServicePolicy};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::JWT_KEY;
use crate::callers::Callers;

/// Where a proxy runs.
#[derive(Debug, Default)]
pub(crate) struct Pod {
    pub(crate) namespace: String,
    pub(crate) labels: BTreeMap<String, String>,
}

/// A running proxy.
pub(crate) struct Proxy {
    envoy: Envoy,
    _files: TempDir,
}

/// The two enforcement points of a policy.
#[derive(Clone, Copy, Debug)]
pub(crate) enum EnforcementPoint {
    Filter,
    Rbac,
}

impl Proxy {
    /// Starts an Envoy with these policies, each the first one of its set.
    pub(crate) fn start(sets: &[&PolicySet], callers: &Callers) -> Self {
        let listeners = sets.iter().enumerate().flat_map(|(number, set)| {
            let filters = filters(set, set.policies().first().unwrap());
            let (wasm, rbac): (Vec<_>, Vec<_>) = filters
                .into_iter()
                .partition(|filter| matches!(filter, HttpFilter::Wasm(_)));
            [
                (name(number, EnforcementPoint::Filter), http_chain(&wasm)),
                (name(number, EnforcementPoint::Rbac), http_chain(&rbac)),
            ]
        });
        Self::start_with(&listeners.collect::<Vec<_>>(), callers)
    }

    /// Starts an Envoy with these listeners, each with a name and a filter chain.
    pub(crate) fn start_with(listeners: &[(String, Vec<Value>)], callers: &Callers) -> Self {
        Self::start_in(&Pod::default(), listeners, callers)
    }

    /// Starts an Envoy with these listeners in a pod, whose labels select the policies.
    pub(crate) fn start_in(
        pod: &Pod,
        listeners: &[(String, Vec<Value>)],
        callers: &Callers,
    ) -> Self {
        let files = TempDir::with_prefix("peergate-parity-").unwrap();
        let ca = callers.authority.write_to(files.path(), "ca").unwrap();
        let leaf = Leaf::spiffe("spiffe://td1/ns/a/sa/server");
        let identity = callers.authority.issue(&leaf).unwrap();
        let identity = identity.write_to(files.path(), "server").unwrap();
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 1));
        let mut sidecar = InboundSidecar::new(identity.clone(), ca.clone(), nowhere);
        sidecar.labels.clone_from(&pod.labels);
        sidecar.pod = Some((pod.namespace.clone(), "pod".to_owned()));
        let mut bootstrap = sidecar.bootstrap();
        let tls = json!({
            "name": "envoy.transport_sockets.tls",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
                "common_tls_context": {
                    "tls_certificates": [{
                        "certificate_chain": {"filename": identity.cert},
                        "private_key": {"filename": identity.key},
                    }],
                    "validation_context": {"trusted_ca": {"filename": ca}},
                },
            },
        });
        let listeners: Vec<Value> = listeners
            .iter()
            .map(|(name, filters)| listener(name, filters, &tls))
            .collect();
        bootstrap["static_resources"]["listeners"] = listeners.into();
        let binary = EnvoyBinary::find(None).unwrap_or_else(|error| {
            panic!("{error}; `make test` installs Envoy and sets its path")
        });
        Self {
            envoy: Envoy::start(&binary, &bootstrap).unwrap(),
            _files: files,
        }
    }

    /// The address of the listener with this name.
    pub(crate) fn named(&self, name: &str) -> SocketAddr {
        self.envoy.listener(name).unwrap()
    }

    /// The listener that enforces the policy with this number.
    pub(crate) fn listener(&self, number: usize, plane: EnforcementPoint) -> SocketAddr {
        self.envoy.listener(&name(number, plane)).unwrap()
    }
}

/// The filters that enforce a policy, its own first.
pub(crate) fn filters(set: &PolicySet, policy: &ServicePolicy) -> Vec<HttpFilter> {
    http_filters(&set.rollout(policy), module().to_str().unwrap()).unwrap()
}

pub(crate) fn name(number: usize, plane: EnforcementPoint) -> String {
    format!("{plane:?}-{number}")
}

fn typed(name: &str, config: Value) -> Value {
    json!({"name": name, "typed_config": config})
}

/// A chain that responds to requests that these filters let pass.
pub(crate) fn http_chain(filters: &[HttpFilter]) -> Vec<Value> {
    let mut http_filters = vec![
        typed("envoy.filters.http.jwt_authn", jwt_authn()),
        typed(
            "envoy.filters.http.header_to_metadata",
            header_to_metadata(),
        ),
    ];
    http_filters.extend(
        filters
            .iter()
            .map(|filter| serde_json::to_value(filter).unwrap()),
    );
    http_filters.push(typed(
        "envoy.filters.http.router",
        json!({"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}),
    ));
    let answer = |request: Value| json!({"match": request, "direct_response": {"status": 200}});
    let routes = [
        answer(json!({"connect_matcher": {}})),
        answer(json!({"prefix": "/"})),
    ];
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "parity",
        "use_remote_address": false,
        "normalize_path": true,
        "http_protocol_options": {"allow_custom_methods": true},
        "upgrade_configs": [{"upgrade_type": "websocket"}, {"upgrade_type": "CONNECT"}],
        "path_with_escaped_slashes_action": "KEEP_UNCHANGED",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        "http_filters": http_filters,
    });
    vec![typed(
        "envoy.filters.network.http_connection_manager",
        manager,
    )]
}

/// A chain that echoes the data that these filters let pass, without HTTP.
pub(crate) fn tcp_chain(filters: &[RbacFilter]) -> Vec<Value> {
    let echo = typed(
        "envoy.filters.network.echo",
        json!({"@type": "type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo"}),
    );
    filters
        .iter()
        .map(|filter| serde_json::to_value(filter).unwrap())
        .chain([echo])
        .collect()
}

fn listener(name: &str, chain: &[Value], tls: &Value) -> Value {
    let listener_filter = |name: &str, message: &str| {
        let type_url = format!("type.googleapis.com/envoy.extensions.filters.listener.{message}");
        typed(
            &format!("envoy.filters.listener.{name}"),
            json!({"@type": type_url}),
        )
    };
    json!({
        "name": name,
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "listener_filters": [
            listener_filter("proxy_protocol", "proxy_protocol.v3.ProxyProtocol"),
            listener_filter("tls_inspector", "tls_inspector.v3.TlsInspector"),
        ],
        "filter_chains": [{
            "filters": chain,
            "transport_socket": tls,
        }],
    })
}

/// Stores the claims of a token like in Istio, and lets every request pass.
fn jwt_authn() -> Value {
    let key = URL_SAFE_NO_PAD.encode(JWT_KEY);
    let keys = json!({"keys": [{"kty": "oct", "alg": "HS256", "kid": "test", "k": key}]});
    json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
        "providers": {"test": {
            "local_jwks": {"inline_string": keys.to_string()},
            "payload_in_metadata": "payload",
            "forward": true,
        }},
        "rules": [{
            "match": {"prefix": "/"},
            "requires": {"requires_any": {"requirements": [
                {"provider_name": "test"},
                {"allow_missing_or_failed": {}},
            ]}},
        }],
    })
}

/// Stores a header value as the metadata of another filter.
fn header_to_metadata() -> Value {
    json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.header_to_metadata.v3.Config",
        "request_rules": [{
            "header": "x-f-k",
            "on_header_present": {
                "metadata_namespace": "f",
                "key": "k",
                "type": "PROTOBUF_VALUE",
                "encode": "BASE64",
            },
        }],
    })
}
