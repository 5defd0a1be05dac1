//! A policy runs if its filter is in every listener and the filter itself reports the revision.

use peergate_sandbox::wait::{TIMEOUT, wait_for};

use super::*;

const PROXY: &str = "proxy boutique/cartservice-1";

/// A configuration that the filter refuses, of the same revision.
fn refused() -> String {
    let config = plugin_config(CART);
    let refused = config.replace("\"otherwise\":\"Deny\"", "\"otherwise\":\"Perhaps\"");
    assert_ne!(refused, config);
    refused
}

fn discovered(plugin_config: String) -> Sidecar {
    Sidecar {
        plugin_config: Some(plugin_config),
        is_discovered: true,
        ..Sidecar::default()
    }
}

/// The proxy answers every request with 500.
#[test]
fn a_filter_that_refused_its_configuration_at_the_start_does_not_run() {
    let verified = verify_proxy(&Proxy::start(discovered(refused())));
    let message = format!(
        "it was sent revision {} of policy `{POLICY}`, and its filter reports none: it did not start, and the proxy answers every request with an error",
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

/// The proxy goes on with the older one, and has the newer one in its configuration.
#[test]
fn an_update_that_the_filter_refused_is_found() {
    let config = plugin_config(CART);
    let older = config.replace(&revision(), "0123456789ab");
    let mut proxy = Proxy::start(discovered(older));
    proxy.update(refused(), "unknown variant `Perhaps`");
    let verified = verify_proxy(&proxy);
    let message = format!(
        "it was sent revision {} of policy `{POLICY}`, and its filter still runs 0123456789ab",
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

/// The metric has that revision still, of the configuration before.
#[test]
fn a_metric_that_is_older_than_the_configuration_proves_nothing() {
    let mut proxy = Proxy::start(discovered(plugin_config(CART)));
    assert_eq!(verify_proxy(&proxy).findings(), [[""; 3]; 0]);
    // The filter has whole seconds.
    wait_for("the next but one second", TIMEOUT, || {
        let age = SystemTime::now().duration_since(loaded(&proxy)).unwrap();
        Ok((age >= Duration::from_secs(2)).then_some(()))
    })
    .unwrap();
    proxy.update(refused(), "unknown variant `Perhaps`");
    let verified = verify_proxy(&proxy);
    let message = format!(
        "nothing proves that its filter took up policy `{POLICY}`: no metric says that it loaded a configuration since the proxy received this one"
    );
    assert_eq!(verified.findings(), [["not-checked", PROXY, &message]]);
}

/// When the filter took up its configuration, as its metric has it.
fn loaded(proxy: &Proxy) -> SystemTime {
    let stats = proxy.service.envoy.stats().unwrap();
    let series = stats
        .lines()
        .find(|line| line.starts_with("peergate_policy_loaded_timestamp_seconds{"));
    let (_, seconds) = series.unwrap().rsplit_once(' ').unwrap();
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.parse().unwrap())
}

#[test]
fn a_revision_is_confirmed_however_the_proxy_names_its_metrics() {
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

/// Its metric is still there.
#[test]
fn a_filter_that_is_gone_does_not_run() {
    let proxy = Proxy::that_lost_the_filter();
    let stats = proxy.service.envoy.stats().unwrap();
    assert!(stats.contains("peergate_policy_revision"), "{stats}");
    assert_eq!(verify_proxy(&proxy).codes(), ["policy-not-running"]);
}

#[test]
fn a_listener_without_the_filter_beside_one_that_has_it_is_found() {
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
    let message =
        format!("policy `{POLICY}` is for it, and requests do not meet it at `{INBOUND_STRICT}`");
    let verified = verify_proxy(&proxy);
    let found = verified.findings();
    assert!(
        found.contains(&["policy-not-running", PROXY, &message]),
        "{found:#?}"
    );
}

#[test]
fn a_filter_that_lets_requests_pass_when_it_fails_is_found() {
    let proxy = Proxy::start(Sidecar {
        change: |bootstrap| {
            let listener = &mut bootstrap["static_resources"]["listeners"][0];
            let manager = &mut listener["filter_chains"][0]["filters"][0]["typed_config"];
            let config = &mut manager["http_filters"][0]["typed_config"]["config"];
            config["failure_policy"] = json!("FAIL_OPEN");
        },
        ..Sidecar::default()
    });
    let message = format!("its filter for policy `{POLICY}` lets requests pass when it cannot run");
    let verified = verify_proxy(&proxy);
    assert_eq!(
        verified.findings(),
        [["filter-fails-open", PROXY, &message]]
    );
}

#[test]
fn a_proxy_that_may_drop_the_metric_is_not_taken_for_one_without_the_filter() {
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
    // As Istio's bootstrap has it.
    let kept = codes(|bootstrap| {
        let patterns = json!({"patterns": [{"prefix": "listener_manager"}, {"prefix": "wasm"}]});
        bootstrap["stats_config"]["stats_matcher"] = json!({"inclusion_list": patterns});
    });
    assert_eq!(kept, [""; 0]);
}

/// A file has what the proxy received.
#[test]
fn what_was_saved_of_a_proxy_proves_nothing() {
    let proxy = Proxy::start(Sidecar::default());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dump.json");
    let dump = proxy.service.envoy.admin_get("/config_dump").unwrap();
    std::fs::write(&path, dump).unwrap();
    let verified = verify(SHOP, &["--proxy", path.to_str().unwrap()]);
    let message = format!(
        "nothing proves that its filter took up policy `{POLICY}`: only its configuration was given"
    );
    assert_eq!(verified.findings(), [["not-checked", PROXY, &message]]);
    let policy = &verified.report["proxies"][0]["policies"][0];
    assert_eq!(policy["revision"], revision());
}

/// Envoy says so with the status 200, when it was sent something that it cannot print.
#[test]
fn what_a_proxy_says_in_place_of_its_configuration_is_shown() {
    let words = "Failed to convert protobuf message to JSON string: INVALID_ARGUMENT";
    let admin = Answering::start(words);
    let verified = verify(SHOP, &["--proxy", &admin.url()]);
    let message = format!("cannot read its `/config_dump`: it is not JSON, but `{words}`");
    let subject = format!("proxy {}", admin.address);
    assert_eq!(verified.findings(), [["not-checked", &*subject, &*message]]);
}
