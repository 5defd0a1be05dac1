//! Tests of the lifecycle of a Prometheus.

use anyhow::Result;
use peergate_sandbox::wait::{TIMEOUT, wait_for};
use peergate_sandbox::{Envoy, EnvoyBinary, Error, Prometheus, PrometheusTools};
use serde_json::{Value, json};

fn idle() -> Value {
    json!({ "scrape_configs": [] })
}

#[test]
fn scrapes_and_queries_an_envoy() -> Result<()> {
    let bootstrap = json!({
        "admin": { "address": { "socket_address": { "address": "127.0.0.1", "port_value": 0 } } },
    });
    let envoy = Envoy::start(&EnvoyBinary::find(None)?, &bootstrap)?;
    let target = envoy.admin_addr().to_string();
    let config = json!({
        "scrape_configs": [{
            "job_name": "envoy",
            "scrape_interval": "1s",
            "scrape_timeout": "1s",
            "metrics_path": "/stats/prometheus",
            "static_configs": [{ "targets": [target] }],
        }],
    });
    let prometheus = Prometheus::start(&PrometheusTools::find(), &config)?;
    let live = wait_for("a scrape", TIMEOUT, || {
        let live = prometheus.query("envoy_server_live{job=\"envoy\"} == 1")?;
        Ok(live.into_iter().next())
    })?;
    assert_eq!(live.labels.get("instance"), Some(&target));
    assert_eq!(live.value().to_string(), "1");
    assert_eq!(prometheus.query("2 + 3")?[0].value().to_string(), "5");
    Ok(())
}

#[test]
fn invalid_query_reports_the_reason() -> Result<()> {
    let prometheus = Prometheus::start(&PrometheusTools::find(), &idle())?;
    let error = prometheus.query("sum by (").unwrap_err();
    assert!(matches!(error, Error::Prometheus(_)), "{error}");
    assert!(error.to_string().contains("parse error"), "{error}");
    Ok(())
}

#[test]
fn invalid_config_fails_immediately_with_the_reason() {
    let bad = json!({ "no_such_field": 1 });
    let error = Prometheus::start(&PrometheusTools::find(), &bad).unwrap_err();
    assert!(matches!(error, Error::Exited { .. }), "{error}");
    assert!(error.to_string().contains("no_such_field"), "{error}");
}

#[test]
fn drop_removes_the_data() -> Result<()> {
    let prometheus = Prometheus::start(&PrometheusTools::find(), &idle())?;
    let (pid, dir) = (prometheus.pid(), prometheus.dir().to_owned());
    let process = std::path::PathBuf::from(format!("/proc/{pid}"));
    assert!(process.exists() && dir.exists());
    drop(prometheus);
    assert!(!process.exists() && !dir.exists());
    Ok(())
}
