//! A policy runs if its filter is in every listener and the filter itself reports the revision.

use peergate_sandbox::wait::{TIMEOUT, wait_for};

use super::*;

const PROXY: &str = "proxy boutique/cartservice-1";

/// A configuration with the same revision that the filter refuses.
fn invalid_config() -> String {
    let config = plugin_config(CART);
    let refused = config.replace("\"otherwise\":\"Deny\"", "\"otherwise\":\"Perhaps\"");
    assert_ne!(refused, config);
    refused
}

fn discovered_sidecar(plugin_config: String) -> Sidecar {
    Sidecar {
        plugin_config: Some(plugin_config),
        is_discovered: true,
        ..Sidecar::default()
    }
}

/// The proxy then answers every request with 500.
#[test]
fn a_filter_that_refused_its_configuration_at_the_start_does_not_run() {
    let verified = verify_proxy(&Proxy::start(discovered_sidecar(invalid_config())));
    let message = format!(
        "received revision {} of policy `{POLICY}`, but its filter reports none: the filter did not start, and the proxy answers every request with an error",
        revision()
    );
    assert_eq!(
        verified.findings(),
        [["policy-not-running", PROXY, &message]]
    );
    assert_eq!(verified.status, 2);
    let policy = &verified.report["proxies"][0]["policies"][0];
    assert_eq!(
        (&policy["revision"], policy.get("reported")),
        (&json!(revision()), None)
    );
}

/// The proxy keeps running the old one, but has the new one in its configuration.
#[test]
fn reports_an_update_that_the_filter_refused() {
    let config = plugin_config(CART);
    let older = config.replace(&revision(), "0123456789ab");
    let mut proxy = Proxy::start(discovered_sidecar(older));
    proxy.update(invalid_config(), "unknown variant `Perhaps`");
    let verified = verify_proxy(&proxy);
    let message = format!(
        "received revision {} of policy `{POLICY}`, but its filter still runs 0123456789ab",
        revision()
    );
    assert_eq!(
        verified.findings(),
        [["refused-configuration", PROXY, &message]]
    );
    assert_eq!(
        verified.report["proxies"][0]["policies"][0]["reported"],
        "0123456789ab"
    );
}

/// The metric still has the revision of the previous configuration.
#[test]
fn a_metric_that_is_older_than_the_configuration_proves_nothing() {
    let mut proxy = Proxy::start(discovered_sidecar(plugin_config(CART)));
    assert_eq!(verify_proxy(&proxy).findings(), [[""; 3]; 0]);
    // The filter reports whole seconds.
    wait_for("the next but one second", TIMEOUT, || {
        let age = SystemTime::now().duration_since(loaded_at(&proxy)).unwrap();
        Ok((age >= Duration::from_secs(2)).then_some(()))
    })
    .unwrap();
    proxy.update(invalid_config(), "unknown variant `Perhaps`");
    let verified = verify_proxy(&proxy);
    let message = format!(
        "cannot confirm that its filter loaded policy `{POLICY}`: its metrics report no load since the proxy received this configuration"
    );
    assert_eq!(verified.findings(), [["not-checked", PROXY, &message]]);
}

/// The time when the filter loaded its configuration, from its metric.
fn loaded_at(proxy: &Proxy) -> SystemTime {
    let stats = proxy.service.envoy.stats().unwrap();
    let series = stats
        .lines()
        .find(|line| line.starts_with("peergate_policy_loaded_timestamp_seconds{"));
    let (_, seconds) = series.unwrap().rsplit_once(' ').unwrap();
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.parse().unwrap())
}

#[test]
fn confirms_a_revision_with_labels_and_with_flat_names() {
    let mut flat: Value = serde_json::from_str(&plugin_config(CART)).unwrap();
    flat["reporting"]["metricNames"] = json!("Flat");
    for (plugin_config, has_labels) in [
        (plugin_config(CART), true),
        (plugin_config(CART), false),
        (flat.to_string(), false),
    ] {
        let verified = verify_proxy(&Proxy::start(Sidecar {
            plugin_config: Some(plugin_config),
            has_labels,
            ..Sidecar::default()
        }));
        assert_eq!(verified.findings(), [[""; 3]; 0], "{has_labels}");
        let policy = &verified.report["proxies"][0]["policies"][0];
        assert_eq!(policy["reported"], revision());
    }
}

/// Its metric remains.
#[test]
fn a_removed_filter_does_not_run() {
    let proxy = Proxy::with_removed_filter();
    let stats = proxy.service.envoy.stats().unwrap();
    assert!(stats.contains("peergate_policy_revision"), "{stats}");
    assert_eq!(verify_proxy(&proxy).codes(), ["policy-not-running"]);
}

#[test]
fn reports_one_listener_without_the_filter() {
    let proxy = Proxy::start(Sidecar {
        listeners: vec![INBOUND_STRICT, INBOUND_PERMISSIVE],
        change: |bootstrap| {
            let listeners = &mut bootstrap["static_resources"]["listeners"];
            let listener = &mut listeners[0];
            assert_eq!(listener["name"], INBOUND_STRICT);
            let manager = &mut listener["filter_chains"][0]["filters"][0]["typed_config"];
            let filters = manager["http_filters"].as_array_mut().unwrap();
            filters.remove(0);
        },
        ..Sidecar::default()
    });
    let message = format!(
        "policy `{POLICY}` selects it, but does not apply to requests at `{INBOUND_STRICT}`"
    );
    let verified = verify_proxy(&proxy);
    let found = verified.findings();
    assert!(
        found.contains(&["policy-not-running", PROXY, &message]),
        "{found:#?}"
    );
}

#[test]
fn reports_a_filter_that_fails_open() {
    let proxy = Proxy::start(Sidecar {
        change: |bootstrap| {
            let listener = &mut bootstrap["static_resources"]["listeners"][0];
            let manager = &mut listener["filter_chains"][0]["filters"][0]["typed_config"];
            let config = &mut manager["http_filters"][0]["typed_config"]["config"];
            config["failure_policy"] = json!("FAIL_OPEN");
        },
        ..Sidecar::default()
    });
    let message = format!("its filter for policy `{POLICY}` fails open");
    let verified = verify_proxy(&proxy);
    assert_eq!(
        verified.findings(),
        [["filter-fails-open", PROXY, &message]]
    );
}

#[test]
fn a_proxy_that_may_drop_the_metric_may_still_run_the_filter() {
    let codes = |matcher: fn(&mut Value)| {
        let proxy = Proxy::start(Sidecar {
            change: matcher,
            ..Sidecar::default()
        });
        let verified = verify_proxy(&proxy);
        let codes = verified.codes().into_iter().map(str::to_owned);
        codes.collect::<Vec<_>>()
    };
    let dropped = codes(|bootstrap| {
        let patterns = json!({"patterns": [{"prefix": "listener_manager"}]});
        bootstrap["stats_config"]["stats_matcher"] = json!({"inclusion_list": patterns});
    });
    assert_eq!(dropped, ["not-checked"]);
    // As in Istio's bootstrap.
    let kept = codes(|bootstrap| {
        let patterns = json!({"patterns": [{"prefix": "listener_manager"}, {"prefix": "wasm"}]});
        bootstrap["stats_config"]["stats_matcher"] = json!({"inclusion_list": patterns});
    });
    assert_eq!(kept, [""; 0]);
}

/// A file has only the configuration that the proxy received.
#[test]
fn a_saved_proxy_config_proves_nothing() {
    let proxy = Proxy::start(Sidecar::default());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dump.json");
    let dump = proxy.service.envoy.admin_get("/config_dump").unwrap();
    std::fs::write(&path, dump).unwrap();
    let verified = verify(SHOP, &["--proxy", path.to_str().unwrap()]);
    let message = format!(
        "cannot confirm that its filter loaded policy `{POLICY}`: only its configuration was given"
    );
    assert_eq!(verified.findings(), [["not-checked", PROXY, &message]]);
    let policy = &verified.report["proxies"][0]["policies"][0];
    assert_eq!(policy["revision"], revision());
}

/// Envoy sends this with status 200 if it cannot print a part of its configuration.
#[test]
fn shows_the_error_that_a_proxy_returns_for_its_configuration() {
    let words = "Failed to convert protobuf message to JSON string: INVALID_ARGUMENT";
    let admin = FixedResponse::start(words);
    let verified = verify(SHOP, &["--proxy", &admin.url()]);
    let message = format!("cannot read its `/config_dump`: expected JSON, found `{words}`");
    let subject = format!("proxy {}", admin.address);
    assert_eq!(verified.findings(), [["not-checked", &*subject, &*message]]);
}
