//! The scrape configuration of the docs, on what Kubernetes would tell of pods.

use peergate_sandbox::wait::{PATIENCE, wait_for};
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

/// The agent's port has the application's metrics too, and an application must not count for the filter.
#[test]
fn of_the_agents_port_only_the_agents_metrics_are_kept() {
    let config = jobs(&json!([]));
    let jobs = config["scrape_configs"].as_array().unwrap();
    let agents = jobs.iter().find(|job| job["job_name"] == "istio-agents");
    assert_eq!(
        agents.unwrap()["metric_relabel_configs"],
        json!([{"source_labels": ["__name__"], "regex": "istio_agent_.*", "action": "keep"}])
    );
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
    let targets = wait_for("targets", PATIENCE, || {
        let answer = prometheus.get("/api/v1/targets?state=active")?;
        let targets = answer["activeTargets"].as_array().cloned();
        Ok(targets.filter(|targets| targets.len() > 2))
    })
    .unwrap();
    let of = |job: &str| -> Vec<&Value> {
        let targets = targets.iter();
        targets.filter(|it| it["labels"]["job"] == job).collect()
    };
    for (job, port) in [("istio-proxies", 15090), ("istio-agents", 15020)] {
        let [proxy] = of(job)[..] else {
            panic!("{targets:#?}")
        };
        let url = format!("http://127.0.0.1:{port}/stats/prometheus");
        assert_eq!(proxy["scrapeUrl"], url);
        assert_eq!(proxy["labels"]["namespace"], "shop");
        assert_eq!(proxy["labels"]["pod"], "orders-1");
    }
    let [istiod] = of("istiod")[..] else {
        panic!("{targets:#?}")
    };
    assert_eq!(istiod["scrapeUrl"], "http://127.0.0.1:1/metrics");
}
