//! The scrape configuration of the docs, on what Kubernetes would tell of pods.

use std::time::Duration;

use peergate_sandbox::wait::wait_for;
use peergate_sandbox::{Prometheus, PrometheusTools};
use serde_json::{Value, json};

use crate::files;

/// The jobs of the docs, where pods are listed instead of discovered.
fn jobs(pods: &Value) -> Value {
    let docs = files::text("docs/monitoring.md");
    let (_, block) = docs.split_once("```yaml\nscrape_configs:").unwrap();
    let (jobs, _) = block.split_once("```").unwrap();
    let mut config: Value = serde_saphyr::from_str(&format!("scrape_configs:{jobs}")).unwrap();
    for job in config["scrape_configs"].as_array_mut().unwrap() {
        let job = job.as_object_mut().unwrap();
        job.remove("kubernetes_sd_configs").unwrap();
        job.insert("static_configs".to_owned(), pods.clone());
    }
    config
}

#[test]
fn proxies_and_istiod_are_scraped_and_nothing_else() {
    let port = |container: &str, port: &str, service: &str| {
        json!({
            "targets": ["127.0.0.1:1"],
            "labels": {
                "__meta_kubernetes_pod_ip": "127.0.0.1",
                "__meta_kubernetes_namespace": "shop",
                "__meta_kubernetes_pod_name": "orders-1",
                "__meta_kubernetes_pod_container_name": container,
                "__meta_kubernetes_pod_container_port_name": port,
                "__meta_kubernetes_service_name": service,
                "__meta_kubernetes_endpoint_port_name": port,
            },
        })
    };
    let config = jobs(&json!([
        port("istio-proxy", "http-envoy-prom", ""),
        port("istio-proxy", "other", ""),
        port("app", "http-envoy-prom", ""),
        port("app", "http-monitoring", "orders"),
        port("discovery", "http-monitoring", "istiod-canary"),
        port("discovery", "https-dns", "istiod"),
    ]));
    let prometheus = Prometheus::start(&PrometheusTools::find(), &config).unwrap();
    let targets = wait_for("targets", Duration::from_secs(30), || {
        let answer = prometheus.get("/api/v1/targets?state=active")?;
        let targets = answer["activeTargets"].as_array().cloned();
        Ok(targets.filter(|targets| targets.len() > 1))
    })
    .unwrap();
    let of = |job: &str| -> Vec<&Value> {
        let targets = targets.iter();
        targets.filter(|it| it["labels"]["job"] == job).collect()
    };
    let [proxy] = of("istio-proxies")[..] else {
        panic!("{targets:#?}")
    };
    assert_eq!(
        proxy["scrapeUrl"],
        "http://127.0.0.1:15020/stats/prometheus"
    );
    assert_eq!(proxy["labels"]["namespace"], "shop");
    assert_eq!(proxy["labels"]["pod"], "orders-1");
    let [istiod] = of("istiod")[..] else {
        panic!("{targets:#?}")
    };
    assert_eq!(istiod["scrapeUrl"], "http://127.0.0.1:1/metrics");
}
