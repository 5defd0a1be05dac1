//! A service behind a sidecar with the filter, and a Prometheus that scrapes the sidecar.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use peergate_sandbox::wait::{TIMEOUT, wait_for};
use peergate_sandbox::{Leaf, Prometheus, PrometheusTools, Request, Service};
use policy_schema::diagnostic::SourceText;
use policy_schema::envoy;
use policy_schema::telemetry::Label;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, validate};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::files;
use crate::module;

/// The running parts, which end when this is dropped.
pub struct Mesh {
    pub prometheus: Prometheus,
    service: Service,
    _rules: TempDir,
}

impl Mesh {
    /// With the rules in `monitoring/`, and after some traffic.
    pub fn start() -> Self {
        let own = Leaf::spiffe("spiffe://cluster.local/ns/shop/sa/orders");
        let service = Service::start(&own, |mut sidecar, _| {
            sidecar.http_filters = http_filters();
            sidecar.stats_tags = Label::TAGS.map(str::to_owned).into();
            let mut bootstrap = sidecar.bootstrap();
            bootstrap["stats_config"]["stats_matcher"] = included_by_istio();
            bootstrap
        });
        let service = service.unwrap();
        let rules = tempfile::tempdir().unwrap();
        let config = scrape_config(service.envoy.admin_addr(), rules.path());
        let prometheus = Prometheus::start(&PrometheusTools::find(), &config).unwrap();
        let mesh = Self {
            prometheus,
            service,
            _rules: rules,
        };
        mesh.call();
        mesh
    }

    /// Polls Prometheus until `look` returns a value, with traffic in between, because some metrics
    /// only show in their growth.
    pub fn wait_for<T>(&self, what: &str, look: impl Fn() -> Option<T>) -> T {
        wait_for(what, TIMEOUT, || {
            let found = look();
            if found.is_none() {
                self.call();
            }
            Ok(found)
        })
        .unwrap()
    }

    /// Sends requests that increment every counter.
    pub fn call(&self) {
        let status = |account: &str, path: &str| {
            let uri = format!("spiffe://cluster.local/ns/shop/sa/{account}");
            let client = self.service.client_as(&uri).unwrap();
            client.send(&Request::get(path)).unwrap().status
        };
        for path in ["/orders", "/bulk"] {
            assert_eq!(status("web", path), 200);
        }
        for caller in ["reports", "ads"] {
            assert_eq!(status(caller, "/orders"), 403);
        }
        let plaintext = self.service.plaintext_client().unwrap();
        plaintext.send(&Request::get("/orders")).unwrap();
    }
}

/// The filter with `policy.yaml`, and RBAC for the comparison.
fn http_filters() -> Vec<Value> {
    let source = SourceText {
        name: "policy.yaml".to_owned(),
        text: include_str!("policy.yaml").to_owned(),
    };
    // A day before the expired rule ended, so that validation accepts it.
    let options = Options {
        at: Timestamp::parse("2025-12-31T00:00:00Z").unwrap(),
        istio_version: None,
    };
    let validated = validate(&[source], options);
    assert_eq!(validated.diagnostics, []);
    let policies = validated.policies.unwrap();
    let policy = policies.policy("shop", "orders").unwrap();
    let module = module().with_file_name("peergate_filter_comparing.wasm");
    let filters = envoy::http_filters(&policies.rollout(policy), module.to_str().unwrap()).unwrap();
    let filters = filters.iter().map(serde_json::to_value);
    filters.collect::<Result<_, _>>().unwrap()
}

/// The metrics that Istio's proxies expose by default (`ProxyConfig.proxyStatsMatcher`).
fn included_by_istio() -> Value {
    let prefixes = [
        "cluster_manager",
        "listener_manager",
        "server",
        "cluster.xds-grpc",
        "wasm",
        "reporter=",
        "component",
        "istio",
    ];
    let suffixes = [
        "rbac.allowed",
        "rbac.denied",
        "shadow_allowed",
        "shadow_denied",
    ];
    let prefixes = prefixes.iter().map(|text| json!({ "prefix": text }));
    let suffixes = suffixes.iter().map(|text| json!({ "suffix": text }));
    json!({ "inclusion_list": { "patterns": prefixes.chain(suffixes).collect::<Vec<_>>() } })
}

/// A Prometheus with short intervals, so that tests do not wait a minute for a rule.
fn scrape_config(proxy: SocketAddr, dir: &Path) -> Value {
    let rules = ["rules.yaml", "alerts.yaml"].map(|name| {
        let rules = files::text(&format!("monitoring/{name}"));
        let path = dir.join(name);
        fs::write(&path, rules.replace("interval: 1m", "interval: 1s")).unwrap();
        path
    });
    json!({
        "global": {
            "scrape_interval": "1s",
            "scrape_timeout": "1s",
            "evaluation_interval": "1s",
        },
        "rule_files": rules,
        "scrape_configs": [{
            "job_name": "istio-proxies",
            "metrics_path": "/stats/prometheus",
            "static_configs": [{
                "targets": [proxy.to_string()],
                "labels": { "cluster": "east" },
            }],
        }],
    })
}
