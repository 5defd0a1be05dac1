//! A real Prometheus that scrapes one proxy, each second.

use std::net::SocketAddr;

use peergate_sandbox::wait::TIMEOUT;
use peergate_sandbox::{Prometheus, PrometheusTools};
use serde_json::{Value, json};

/// Starts one, and returns once it has looked at the proxy more than once.
pub(crate) fn scraping(proxy: SocketAddr) -> Prometheus {
    relabelling(proxy, &json!([]))
}

/// The same with steps of relabelling (`metric_relabel_configs`) between the proxy and what is kept.
pub(crate) fn relabelling(proxy: SocketAddr, steps: &Value) -> Prometheus {
    // A scrape may not take longer than the interval, and one that fails makes everything vanish for its time.
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

/// Waits until a query gives something.
pub(crate) fn wait_for(prometheus: &Prometheus, query: &str) {
    prometheus.wait_for(query, TIMEOUT).unwrap();
}
