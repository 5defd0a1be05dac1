//! A real Prometheus that scrapes one proxy, five times a second.

use std::net::SocketAddr;
use std::time::Duration;

use peergate_sandbox::{Prometheus, PrometheusTools};
use serde_json::{Value, json};

/// How long something may take to be seen.
const PATIENCE: Duration = Duration::from_mins(1);

/// Starts one, and returns once it has looked at the proxy several times.
pub(crate) fn scraping(proxy: SocketAddr) -> Prometheus {
    relabelling(proxy, &json!([]))
}

/// The same with steps of relabelling (`metric_relabel_configs`) between the proxy and what is kept.
pub(crate) fn relabelling(proxy: SocketAddr, steps: &Value) -> Prometheus {
    let config = json!({
        "global": {"scrape_interval": "200ms", "scrape_timeout": "200ms"},
        "scrape_configs": [{
            "job_name": "proxies",
            "metrics_path": "/stats/prometheus",
            "static_configs": [{"targets": [proxy.to_string()]}],
            "metric_relabel_configs": steps,
        }],
    });
    let prometheus = Prometheus::start(&PrometheusTools::find(), &config).unwrap();
    wait_for(
        &prometheus,
        "count_over_time(peergate_decisions_total[1m]) >= 5",
    );
    prometheus
}

/// Waits until a query gives something.
pub(crate) fn wait_for(prometheus: &Prometheus, query: &str) {
    prometheus.wait_for(query, PATIENCE).unwrap();
}
