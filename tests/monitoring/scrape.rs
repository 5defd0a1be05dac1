//! The scrape configuration in the docs, applied to Kubernetes metadata of pods.

use peergate_sandbox::wait::{TIMEOUT, wait_for};
use peergate_sandbox::{Prometheus, PrometheusTools};
use peergate_tests::monitoring::files;
use serde_json::{Value, json};

/// The jobs in the docs, with a list of pods instead of discovery.
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

/// The agent's port also exposes the application's metrics, which must not be mistaken for the
/// filter's.
#[test]
fn keeps_only_the_agents_metrics_on_its_port() {
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
    let targets = wait_for("targets", TIMEOUT, || {
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

/// The operator's monitors are equivalent to the jobs for a plain Prometheus, except for steps that
/// the operator adds itself.
#[test]
fn operator_monitors_relabel_like_the_jobs() {
    let docs = files::text("docs/monitoring.md");
    let (_, monitors) = docs.split_once("```yaml operator").unwrap();
    let (monitors, _) = monitors.split_once("```").unwrap();
    let monitors: Vec<Value> = serde_saphyr::from_multiple(monitors).unwrap();
    let config = jobs(&json!([]));
    let jobs = config["scrape_configs"].as_array().unwrap();
    let endpoints = monitors[0]["spec"]["podMetricsEndpoints"]
        .as_array()
        .unwrap();
    for (job, endpoint) in jobs[..2].iter().zip(endpoints) {
        assert_eq!(endpoint["path"], job["metrics_path"]);
        assert_eq!(endpoint["interval"], job["scrape_interval"]);
        let relabelling =
            operator_relabelling(&job["relabel_configs"], &["namespace", "pod"].map(Some));
        assert_eq!(endpoint["relabelings"], relabelling);
        let dropped = endpoint.get("metricRelabelings").unwrap_or(&Value::Null);
        let relabelling = operator_relabelling(&job["metric_relabel_configs"], &[]);
        assert_eq!(*dropped, relabelling);
    }
    assert_eq!(endpoints.len(), 2);
    let ports: Vec<&Value> = monitors[1]["spec"]["endpoints"]
        .as_array()
        .unwrap()
        .iter()
        .map(|endpoint| &endpoint["port"])
        .collect();
    assert_eq!(ports, ["http-monitoring"]);
}

/// Relabelling in the operator's spelling, without steps that create labels that already exist.
fn operator_relabelling(relabelling: &Value, made: &[Option<&str>]) -> Value {
    let Value::Array(steps) = relabelling else {
        return Value::Null;
    };
    let steps = steps
        .iter()
        .filter(|step| !made.contains(&step["target_label"].as_str()));
    let text = Value::from(steps.cloned().collect::<Vec<_>>()).to_string();
    let text = text.replace("source_labels", "sourceLabels");
    serde_json::from_str(&text.replace("target_label", "targetLabel")).unwrap()
}
