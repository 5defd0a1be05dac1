//! A service behind a sidecar with the filter, and a Prometheus that scrapes the sidecar.

use std::fs;
use std::path::Path;
use std::time::Duration;

use peergate_sandbox::wait::wait_for;
use peergate_sandbox::{
    Authority, Client, Envoy, EnvoyBinary, INBOUND_PERMISSIVE, INBOUND_STRICT, InboundSidecar,
    Leaf, Prometheus, PrometheusTools, Request, Upstream,
};
use peergate_tests::module;
use policy_schema::diagnostic::SourceText;
use policy_schema::envoy;
use policy_schema::metric::Label;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, validate};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::files;

const LIMIT: Duration = Duration::from_secs(60);

/// The running parts. Everything ends with it.
pub(crate) struct Mesh {
    pub(crate) prometheus: Prometheus,
    authority: Authority,
    envoy: Envoy,
    _upstream: Upstream,
    _files: TempDir,
}

impl Mesh {
    /// With the rules of `monitoring/`, and after some traffic that Prometheus has seen.
    pub(crate) fn start() -> Self {
        let files = tempfile::tempdir().unwrap();
        let authority = Authority::new().unwrap();
        let upstream = Upstream::start().unwrap();
        let own = Leaf::spiffe("spiffe://cluster.local/ns/shop/sa/orders");
        let own = authority.issue(&own).unwrap();
        let mut sidecar = InboundSidecar::new(
            own.write_to(files.path(), "orders").unwrap(),
            authority.write_to(files.path(), "ca").unwrap(),
            upstream.addr(),
        );
        sidecar.http_filters = http_filters();
        sidecar.stats_tags = Label::TAGS.map(str::to_owned).into();
        let mut bootstrap = sidecar.bootstrap();
        bootstrap["stats_config"]["stats_matcher"] = included_by_istio();
        let envoy = Envoy::start(&EnvoyBinary::find(None).unwrap(), &bootstrap).unwrap();
        let config = scrape_config(&envoy, files.path());
        let prometheus = Prometheus::start(&PrometheusTools::find(), &config).unwrap();
        let mesh = Self {
            prometheus,
            authority,
            envoy,
            _upstream: upstream,
            _files: files,
        };
        wait_for("a rate of denials", LIMIT, || {
            mesh.call();
            let denials = r#"sum(rate(peergate_decisions_total{peergate_effect="deny"}[1m])) > 0"#;
            Ok(mesh.prometheus.query(denials)?.pop())
        })
        .unwrap();
        mesh
    }

    /// Something of everything that is counted.
    pub(crate) fn call(&self) {
        let web = self.client_as("web");
        for path in ["/orders", "/bulk"] {
            web.send(&Request::get(path)).unwrap();
        }
        for caller in ["reports", "ads"] {
            let denied = self.client_as(caller).send(&Request::get("/orders"));
            assert_eq!(denied.unwrap().status, 403);
        }
        let plaintext = self.envoy.listener(INBOUND_PERMISSIVE).unwrap();
        let plaintext = Client::new(plaintext).unwrap();
        plaintext.send(&Request::get("/orders")).unwrap();
    }

    fn client_as(&self, service_account: &str) -> Client {
        let leaf = Leaf::spiffe(&format!(
            "spiffe://cluster.local/ns/shop/sa/{service_account}"
        ));
        let identity = self.authority.issue(&leaf).unwrap();
        Client::new(self.envoy.listener(INBOUND_STRICT).unwrap())
            .unwrap()
            .tls(&self.authority, Some(&identity))
            .unwrap()
    }
}

/// The filter with `policy.yaml`, and RBAC beside it, with which the filter compares itself.
fn http_filters() -> Vec<Value> {
    let source = SourceText {
        name: "policy.yaml".to_owned(),
        text: include_str!("policy.yaml").to_owned(),
    };
    // A day on which the rule was still good that has expired by now.
    let options = Options {
        at: Timestamp::parse("2025-12-31T00:00:00Z").unwrap(),
        istio_version: None,
    };
    let validated = validate(&[source], options);
    assert_eq!(validated.diagnostics, []);
    let policies = validated.policies.unwrap();
    let policy = policies.policy("shop", "orders").unwrap();
    let module = module().with_file_name("peergate_filter_comparing.wasm");
    let filters = envoy::http_filters(&policies, policy, module.to_str().unwrap()).unwrap();
    let filters = filters.iter().map(serde_json::to_value);
    filters.collect::<Result<_, _>>().unwrap()
}

/// What Istio's proxies tell of all that they count, without further configuration
/// (`ProxyConfig.proxyStatsMatcher`).
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

/// A Prometheus in a hurry: nobody waits a minute for a rule.
fn scrape_config(envoy: &Envoy, dir: &Path) -> Value {
    let rules = ["rules.yaml", "alerts.yaml"].map(|name| {
        let rules = files::text(&format!("monitoring/{name}"));
        let path = dir.join(name);
        fs::write(&path, rules.replace("interval: 1m", "interval: 1s")).unwrap();
        path
    });
    json!({
        "global": {
            "scrape_interval": "500ms",
            "scrape_timeout": "500ms",
            "evaluation_interval": "1s",
        },
        "rule_files": rules,
        "scrape_configs": [{
            "job_name": "istio-proxies",
            "metrics_path": "/stats/prometheus",
            "static_configs": [{
                "targets": [envoy.admin_addr().to_string()],
                "labels": { "cluster": "east" },
            }],
        }],
    })
}
