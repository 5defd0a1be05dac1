//! A real Prometheus that scrapes one proxy every second.

use std::net::SocketAddr;

use peergate_sandbox::wait::TIMEOUT;
use peergate_sandbox::{Prometheus, PrometheusTools};
use serde_json::{Value, json};

/// Starts Prometheus, and returns once it has scraped the proxy more than once.
pub(crate) fn scraping(proxy: SocketAddr) -> Prometheus {
    scraping_with_relabeling(proxy, &json!([]))
}

/// Same with these relabeling steps (`metric_relabel_configs`).
pub(crate) fn scraping_with_relabeling(proxy: SocketAddr, steps: &Value) -> Prometheus {
    // A scrape that exceeds the interval fails, and then all series are stale until the next one.
    let config = json!({
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
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
        "count_over_time(peergate_decisions_total[5m]) >= 2",
    );
    prometheus
}

/// Waits until a query has a result.
pub(crate) fn wait_for(prometheus: &Prometheus, query: &str) {
    prometheus.wait_for(query, TIMEOUT).unwrap();
}
