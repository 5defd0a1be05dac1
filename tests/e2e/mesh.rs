//! A service behind a sidecar with the filter, and callers of every kind.

mod bootstrap;

use std::ops::{Deref, DerefMut};
use std::path::Path;

use peergate_mesh::metrics::Metrics;
use peergate_sandbox::{
    Client, Connection, EnvoyBinary, INBOUND_OPTIONAL_TLS, INBOUND_PERMISSIVE, INBOUND_STRICT,
    Identity, InboundSidecar, Leaf, Request, Response, Service,
};
use peergate_tests::module;
use policy_schema::code::Severity;
use policy_schema::decision_id::DecisionRecord;
use policy_schema::diagnostic::{Diagnostic, SourceText};
use policy_schema::envoy::wasm_filter;
use policy_schema::plugin_config::PluginConfig;
use policy_schema::policy::{FilterFailure, PolicySet};
pub(crate) use policy_schema::telemetry::Label;
use policy_schema::telemetry::ReasonCode;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, validate};
use serde_json::{Value, json};

use crate::config::Delivery;

use bootstrap::{
    add_to_access_logs, enable_http1_trailers, for_each_object, set_log_format,
    trust_internal_clients,
};

pub(crate) const WEB: &str = "spiffe://cluster.local/ns/shop/sa/web";

/// The service with its resources. They end when this is dropped.
pub(crate) struct Mesh {
    service: Service,
    /// Set if the filter is delivered by discovery.
    pub(crate) delivery: Option<Delivery>,
}

impl Deref for Mesh {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.service
    }
}

impl DerefMut for Mesh {
    fn deref_mut(&mut self) -> &mut Service {
        &mut self.service
    }
}

/// The outcome of delivering a config.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Discovery {
    Accepted,
    Rejected,
}

/// The policies of `policy.yaml`.
pub(crate) fn policies() -> PolicySet {
    policies_of(include_str!("policy.yaml"))
}

/// The policies of these documents.
pub(crate) fn policies_of(documents: &str) -> PolicySet {
    let source = SourceText {
        name: "policy.yaml".to_owned(),
        text: documents.to_owned(),
    };
    // A day before the expired rule ended, so that validation accepts it.
    let options = Options {
        at: Timestamp::parse("2025-12-31T00:00:00Z").unwrap(),
        istio_version: None,
    };
    let validated = validate(&[source], options);
    // A redundant rule is intended here.
    let mut errors = validated.diagnostics.iter();
    let is_error = |found: &&Diagnostic| found.severity() == Severity::Error;
    assert_eq!(errors.find(is_error), None);
    validated.policies.unwrap()
}

/// The plugin config of `policy.yaml`, changed by `change`.
pub(crate) fn plugin_config(change: impl FnOnce(&mut PluginConfig)) -> String {
    let policies = policies();
    let policy = policies.policy("shop", "orders").unwrap();
    let mut config = policies.plugin_config(policy);
    change(&mut config);
    serde_json::to_string(&config).unwrap()
}

/// The name of the filter in the HTTP filter chain and in discovery.
const FILTER: &str = "peergate";

/// The filter with an arbitrary plugin config.
pub(crate) fn http_filter(plugin_config: String) -> Value {
    http_filter_of(&module(), plugin_config)
}

/// The same with the module that compares its decisions with RBAC's.
pub(crate) fn comparing_filter(plugin_config: String) -> Value {
    let module = module().with_file_name("peergate_filter_comparing.wasm");
    http_filter_of(&module, plugin_config)
}

fn http_filter_of(module: &Path, plugin_config: String) -> Value {
    let filter = wasm_filter(
        "shop/orders",
        plugin_config,
        module.to_str().unwrap(),
        FilterFailure::Deny,
    );
    serde_json::to_value(filter).unwrap()
}

/// The same for extension config discovery.
pub(crate) fn extension_config(plugin_config: &str) -> Value {
    extension_config_of(&http_filter(plugin_config.to_owned()))
}

/// The same for any HTTP filter.
pub(crate) fn extension_config_of(filter: &Value) -> Value {
    json!({
        "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
        "name": FILTER,
        "typed_config": filter["typed_config"],
    })
}

impl Mesh {
    /// With the unchanged policy.
    pub(crate) fn start() -> Self {
        Self::with_config(plugin_config(|_| {}))
    }

    /// With an arbitrary plugin config.
    pub(crate) fn with_config(plugin_config: String) -> Self {
        Self::launch(plugin_config, &Label::TAGS)
    }

    pub(crate) fn launch(plugin_config: String, stats_tags: &[&str]) -> Self {
        Self::run(stats_tags, |_| vec![http_filter(plugin_config)])
    }

    /// With a filter that Envoy discovers through a file.
    pub(crate) fn with_discovery(extension: &Value) -> (Self, Delivery) {
        let mut delivery = None;
        let mesh = Self::run(&Label::TAGS, |files| {
            let file = Delivery::new(files.join("discovery.json"));
            file.write(extension);
            let filter = json!({
                "name": FILTER,
                "config_discovery": {
                    "config_source": { "path_config_source": { "path": file.path } },
                    "type_urls": ["type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm"],
                },
            });
            delivery = Some(file);
            vec![filter]
        });
        (mesh, delivery.unwrap())
    }

    /// With an identity from another listener in the filter state, as in a waypoint.
    pub(crate) fn in_waypoint(peer_principal: &str) -> Self {
        let left_behind = json!({
            "name": "waypoint",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config",
                "on_request_headers": [{
                    "object_key": "io.istio.peer_principal",
                    "factory_key": "envoy.string",
                    "format_string": { "text_format_source": { "inline_string": peer_principal } },
                }],
            },
        });
        Self::run(&Label::TAGS, |_| {
            vec![left_behind, http_filter(plugin_config(|_| {}))]
        })
    }

    /// With several consecutive filters, on a workload with these labels.
    pub(crate) fn with_configs(configs: &[String], labels: &[(&str, &str)]) -> Self {
        Self::run_on(labels, &Label::TAGS, |_| {
            configs.iter().cloned().map(http_filter).collect()
        })
    }

    /// With these HTTP filters.
    pub(crate) fn with_filters(filters: Vec<Value>) -> Self {
        Self::run(&Label::TAGS, |_| filters)
    }

    /// With these HTTP filters; a client certificate must have a URI name in one of these trust
    /// domains, like in Istio's handshake.
    pub(crate) fn where_names_are_required(filters: Vec<Value>, trust_domains: &[&str]) -> Self {
        let trust_domains = trust_domains.iter().map(ToString::to_string).collect();
        Self::run_with(
            |sidecar, _| {
                sidecar.http_filters = filters;
                sidecar.trust_domains = trust_domains;
            },
            |_| {},
        )
    }

    /// With these HTTP filters, also on a Unix socket that accepts plaintext.
    pub(crate) fn at_unix_socket(filters: Vec<Value>, socket: &Path) -> Self {
        Self::run_with(
            |sidecar, _| sidecar.http_filters = filters,
            |bootstrap| {
                let listeners = &mut bootstrap["static_resources"]["listeners"];
                let listeners = listeners.as_array_mut().unwrap();
                let permissive = listeners.iter();
                let mut permissive = permissive.filter(|one| one["name"] == INBOUND_PERMISSIVE);
                let mut listener = permissive.next().unwrap().clone();
                listener["name"] = json!("unix-socket");
                listener["address"] = json!({"pipe": {"path": socket}});
                listeners.push(listener);
            },
        )
    }

    /// With these HTTP filters; routing ignores path parameters.
    pub(crate) fn where_routes_ignore_parameters(filters: Vec<Value>) -> Self {
        Self::run_with(
            |sidecar, _| sidecar.http_filters = filters,
            |bootstrap| {
                for_each_object(bootstrap, &|fields| {
                    if fields.contains_key("virtual_hosts") {
                        let option = "ignore_path_parameters_in_path_matching";
                        fields.insert(option.to_owned(), json!(true));
                    }
                });
            },
        )
    }

    /// With an access log in this file with these fields, like Istio configures it for a provider.
    pub(crate) fn with_logged_fields(path: &Path, labels: &Value, plugin_config: String) -> Self {
        Self::run_with(
            |sidecar, _| {
                sidecar.http_filters = vec![http_filter(plugin_config)];
                sidecar.access_log = Some(path.to_owned());
            },
            |bootstrap| set_log_format(bootstrap, labels),
        )
    }

    /// With an access log in this file for requests selected by an expression (CEL over Envoy's
    /// attributes), like Istio configures it for a `Telemetry`.
    pub(crate) fn with_access_log(path: &Path, expression: &str, plugin_config: String) -> Self {
        let filter = json!({
            "extension_filter": {
                "name": "envoy.access_loggers.extension_filters.cel",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
                    "expression": expression,
                },
            },
        });
        Self::run_with(
            |sidecar, _| {
                sidecar.http_filters = vec![http_filter(plugin_config)];
                sidecar.access_log = Some(path.to_owned());
            },
            |bootstrap| add_to_access_logs(bootstrap, &filter),
        )
    }

    /// With HTTP/1.1 trailers enabled, which Envoy drops by default.
    pub(crate) fn with_http1_trailers(plugin_config: String) -> Self {
        Self::run_with(
            |sidecar, _| sidecar.http_filters = vec![http_filter(plugin_config)],
            enable_http1_trailers,
        )
    }

    /// With internal clients, whose `x-envoy-` headers Envoy keeps.
    pub(crate) fn with_internal_clients(plugin_config: String) -> Self {
        Self::run_with(
            |sidecar, _| sidecar.http_filters = vec![http_filter(plugin_config)],
            trust_internal_clients,
        )
    }

    fn run(stats_tags: &[&str], filters: impl FnOnce(&Path) -> Vec<Value>) -> Self {
        Self::run_on(&[], stats_tags, filters)
    }

    fn run_on(
        labels: &[(&str, &str)],
        stats_tags: &[&str],
        filters: impl FnOnce(&Path) -> Vec<Value>,
    ) -> Self {
        Self::run_with(
            |sidecar, files| {
                sidecar.http_filters = filters(files);
                let labels = labels.iter();
                sidecar.labels = labels
                    .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                    .collect();
                sidecar.stats_tags = stats_tags.iter().map(ToString::to_string).collect();
            },
            |_| {},
        )
    }

    /// With a sidecar of this kind, whose bootstrap is changed last.
    pub(crate) fn run_with(
        configure: impl FnOnce(&mut InboundSidecar, &Path),
        change: impl FnOnce(&mut Value),
    ) -> Self {
        let own = Leaf::spiffe("spiffe://cluster.local/ns/shop/sa/orders");
        let service = Service::start(&own, |mut sidecar, files| {
            configure(&mut sidecar, files);
            let mut bootstrap = sidecar.bootstrap();
            change(&mut bootstrap);
            bootstrap
        });
        Self {
            service: service.unwrap(),
            delivery: None,
        }
    }

    /// A certificate by the mesh's CA with these URI names.
    pub(crate) fn identity<'a>(&self, uris: impl IntoIterator<Item = &'a str>) -> Identity {
        self.authority.issue(&Leaf::uris(uris)).unwrap()
    }

    /// A client with this certificate, at the listener that requires one.
    pub(crate) fn client(&self, identity: &Identity) -> Client {
        self.at(INBOUND_STRICT)
            .tls(&self.authority, Some(identity))
            .unwrap()
    }

    /// A client with a certificate for this SPIFFE ID.
    pub(crate) fn client_as(&self, spiffe_id: &str) -> Client {
        self.service.client_as(spiffe_id).unwrap()
    }

    /// A client without TLS, at a listener that accepts it.
    pub(crate) fn plaintext_client(&self) -> Client {
        self.service.plaintext_client().unwrap()
    }

    /// A TLS client without a certificate, at a listener that accepts it.
    pub(crate) fn client_without_certificate(&self) -> Client {
        self.at(INBOUND_OPTIONAL_TLS)
            .tls(&self.authority, None)
            .unwrap()
    }

    pub(crate) fn at(&self, listener: &str) -> Client {
        self.service.at(listener).unwrap()
    }

    /// The sidecar's metrics.
    pub(crate) fn metrics(&self) -> Metrics {
        Metrics::parse(&self.envoy.stats().unwrap()).unwrap()
    }

    /// Asserts that the filter still serves a legitimate caller.
    pub(crate) fn assert_still_serves(&self) {
        let response = self.client_as(WEB).send(&Request::get("/orders")).unwrap();
        assert_eq!(response.status, 200, "{response:?}");
        let log = self.envoy.log().unwrap();
        for sign in ["Function: proxy_on", "RuntimeError", "panicked"] {
            assert!(!log.contains(sign), "the filter trapped ({sign}):\n{log}");
        }
    }
}

/// The decision ID in a denial.
pub(crate) fn decision_id(response: &Response) -> Option<String> {
    let id = response.header("x-peergate-decision")?;
    Some(String::from_utf8(id.to_vec()).unwrap())
}

/// Asserts that the response is a denial by the filter for this reason, even if the reason is not
/// disclosed.
#[track_caller]
pub(crate) fn assert_denied(response: &Response, reason: &str) {
    let id = decision_id(response);
    let record = id.map(|id| DecisionRecord::decode(&id).unwrap());
    let given = record.and_then(|record| ReasonCode::from_number(record.reason));
    assert_eq!(
        (response.status, given.map(ReasonCode::as_str)),
        (403, Some(reason)),
        "{response:?}"
    );
}

#[track_caller]
pub(crate) fn assert_allowed(response: &Response) {
    assert_eq!(response.status, 200, "{response:?}");
}

/// Asserts two denials on one connection, to cover reused connections.
#[track_caller]
pub(crate) fn assert_denied_throughout(
    connection: &mut Connection<'_>,
    request: &Request,
    reason: &str,
) {
    for _ in 0..2 {
        assert_denied(&connection.send(request).unwrap(), reason);
    }
}

pub(crate) fn envoy_binary() -> EnvoyBinary {
    EnvoyBinary::find(None)
        .unwrap_or_else(|error| panic!("{error}; `make test` installs Envoy and sets its path"))
}
