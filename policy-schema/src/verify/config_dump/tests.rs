#![expect(
    clippy::needless_pass_by_value,
    reason = "what a proxy says is written where it is passed"
)]

use serde_json::{Value, json};

use super::*;

/// The filter of `shop/cart`, with one more field.
fn filter(more: &str, value: Value) -> Value {
    let config = r#"{"apiVersion": "peergate.dev/v1alpha1", "policy": {"namespace": "shop", "name": "cart"}, "revision": "1"}"#;
    let mut filter = json!({
        "name": "peergate",
        "typed_config": {"config": {"configuration": {"value": config}}},
    });
    filter[more] = value;
    filter
}

fn plain_filter() -> Value {
    filter("disabled", json!(false))
}

/// The verification of callers with these fields of `common_tls_context`.
fn tls(common: Value) -> Value {
    json!({"typed_config": {"require_client_certificate": true, "common_tls_context": common}})
}

fn strict() -> Value {
    tls(json!({"validation_context": {"trusted_ca": {"filename": "root.pem"}}}))
}

fn listener(direction: &str, filters: Value, socket: Value) -> Value {
    json!({
        "name": "l",
        "traffic_direction": direction,
        "filter_chains": [{"filters": [{"typed_config": {"http_filters": filters}}], "transport_socket": socket}],
    })
}

fn read(node: &str, listeners: Value, others: Value) -> Proxy {
    let dump = json!({"configs": [
        {"bootstrap": {"node": {"id": node}}},
        {"dynamic_listeners": listeners},
        others,
    ]});
    Proxy::from_config_dump("p", dump.to_string().as_bytes()).unwrap()
}

fn active(listener: Value) -> Value {
    json!([{"name": "l", "active_state": {"listener": listener}}])
}

/// The number of running policies.
fn running(node: &str, listeners: Value) -> usize {
    read(node, listeners, json!({})).policies.len()
}

#[test]
fn counts_policies_on_listeners_for_callers() {
    let (sidecar, gateway) = ("sidecar~1", "router~1");
    let inbound = || listener("INBOUND", json!([plain_filter()]), strict());
    assert_eq!(running(sidecar, active(inbound())), 1);
    let mut by_default = inbound();
    by_default["default_filter_chain"] = by_default["filter_chains"][0].take();
    by_default["filter_chains"] = json!([]);
    assert_eq!(running(sidecar, active(by_default)), 1);
    for direction in ["OUTBOUND", "UNSPECIFIED"] {
        let elsewhere = listener(direction, json!([plain_filter()]), strict());
        assert_eq!(running(sidecar, active(elsewhere)), 0, "{direction}");
    }
    let of_gateway = listener("OUTBOUND", json!([plain_filter()]), strict());
    assert_eq!(running(gateway, active(of_gateway)), 1);
    for state in ["warming_state", "draining_state"] {
        let not_in_force = json!([{"name": "l", state: {"listener": inbound()}}]);
        assert_eq!(running(sidecar, not_in_force), 0, "{state}");
    }
}

#[test]
fn a_disabled_filter_runs_nothing() {
    let off = filter("disabled", json!(true));
    let in_force = |filter| active(listener("INBOUND", json!([filter]), strict()));
    assert_eq!(running("sidecar~1", in_force(off)), 0);
    let mut by_route = listener("INBOUND", json!([plain_filter()]), strict());
    let routes = |filter: &str| json!({"virtual_hosts": [{"routes": [{"typed_per_filter_config": {filter: {"disabled": true}}}]}]});
    let place = |listener: &mut Value, routes| {
        listener["filter_chains"][0]["filters"][0]["typed_config"]["route_config"] = routes;
    };
    place(&mut by_route, routes("peergate"));
    assert_eq!(running("sidecar~1", active(by_route.clone())), 0);
    place(&mut by_route, routes("another"));
    assert_eq!(running("sidecar~1", active(by_route)), 1);
}

/// Discovered resources count if a listener requests them.
#[test]
fn a_discovered_filter_runs_where_listeners_refer_to_it() {
    let discovered = json!({"ecds_filters": [{"ecds_filter": plain_filter()}]});
    let named = |name: &str| {
        let filter = json!({"name": name, "config_discovery": {}});
        active(listener("INBOUND", json!([filter]), strict()))
    };
    let running = |name| read("", named(name), discovered.clone()).policies.len();
    assert_eq!((running("peergate"), running("another")), (1, 0));
}

#[test]
fn reports_refused_configuration_that_affects_callers() {
    let refused = |direction: &str| {
        let failed = listener(direction, json!([plain_filter()]), strict());
        let error = json!({"failed_configuration": failed, "details": "no such\n  file"});
        let (named, unnamed) = (
            json!({"name": "l", "error_state": error}),
            json!({"error_state": error}),
        );
        read("", json!([unnamed, named]), json!({}))
    };
    let proxy = refused("INBOUND");
    assert!(proxy.policies.is_empty());
    let expected = Refusal {
        kind: "listener",
        name: "l".to_owned(),
        reason: "no such file".to_owned(),
    };
    assert_eq!(proxy.refused, [expected]);
    assert!(refused("OUTBOUND").refused.is_empty());
    let error = json!({"details": "no such type"});
    let filters =
        json!({"ecds_filters": [{"ecds_filter": {"name": "peergate"}, "error_state": error}]});
    let kinds = read("", json!([]), filters).refused;
    assert_eq!(
        kinds.iter().map(|it| it.kind).collect::<Vec<_>>(),
        ["filter"]
    );
}

/// Without roots, Envoy accepts any certificate.
#[test]
fn only_roots_verify_callers() {
    let named = |roots: Value| json!({"dynamic_active_secrets": [{"secret": {"name": "ROOTCA", "validation_context": roots}}]});
    let by_name = json!({"validation_context_sds_secret_config": {"name": "ROOTCA"}});
    let roots = json!({"trusted_ca": {"inline_string": "…"}});
    let combined = |default: Value| {
        json!({"combined_validation_context": {
            "default_validation_context": default,
            "validation_context_sds_secret_config": {"name": "ROOTCA"},
        }})
    };
    let any =
        json!({"trusted_ca": {"filename": "f"}, "trust_chain_verification": "ACCEPT_UNTRUSTED"});
    for (common, others, is_open) in [
        (json!({"validation_context": roots}), json!({}), false),
        (json!({"validation_context": {}}), json!({}), true),
        (
            json!({"validation_context": {"trusted_ca": {}}}),
            json!({}),
            true,
        ),
        (json!({"validation_context": any}), json!({}), true),
        (json!({}), json!({}), true),
        (by_name.clone(), json!({}), false),
        (by_name.clone(), named(roots.clone()), false),
        (by_name.clone(), named(json!({})), true),
        (by_name, named(any.clone()), true),
        (combined(json!({})), named(roots.clone()), false),
        (combined(json!({})), named(json!({})), true),
        (combined(any), named(roots), true),
    ] {
        let inbound = listener("INBOUND", json!([]), tls(common.clone()));
        let proxy = read("", active(inbound), others);
        assert_eq!(proxy.plaintext.len(), usize::from(is_open), "{common}");
    }
}

#[test]
fn reports_a_listener_without_a_direction() {
    let mut undirected = listener("UNSPECIFIED", json!([]), Value::Null);
    let named = |listener: &Value| read("", active(listener.clone()), json!({})).undirected;
    assert_eq!(named(&undirected), ["l"]);
    undirected["address"] = json!({"socket_address": {"port_value": 15021}});
    assert_eq!(named(&undirected), [""; 0]);
}

/// Policies apply to a tunnel's requests where the tunnel ends. A chain without HTTP has no HTTP
/// filters.
#[test]
fn finds_every_http_chain_of_a_listener() {
    let mut inbound = listener("INBOUND", json!([plain_filter()]), strict());
    let chains = inbound["filter_chains"].as_array_mut().unwrap();
    chains.push(json!({
        "filter_chain_match": {"destination_port": 8080},
        "filters": [{"typed_config": {"http_filters": [filter("disabled", json!(true))]}}],
    }));
    chains.push(json!({"filters": [{"typed_config": {"cluster": "tcp"}}]}));
    let tunnel = json!({"virtual_hosts": [{"routes": [{"match": {"connect_matcher": {}}}]}]});
    chains
        .push(json!({"filters": [{"typed_config": {"http_filters": [], "route_config": tunnel}}]}));
    let chains = read("sidecar~1", active(inbound), json!({})).chains;
    let chains: Vec<_> = chains
        .iter()
        .map(|chain| (chain.title.as_str(), chain.policies.len()))
        .collect();
    assert_eq!(chains, [("l", 1), ("l, port 8080", 0)]);
}

#[test]
fn discovered_routes_can_disable_a_filter() {
    let mut inbound = listener("INBOUND", json!([plain_filter()]), strict());
    inbound["filter_chains"][0]["filters"][0]["typed_config"]["rds"] =
        json!({"route_config_name": "80"});
    let routes = |name: &str| {
        let off = json!({"peergate": {"disabled": true}});
        json!({"dynamic_route_configs": [{"route_config": {
            "name": name,
            "virtual_hosts": [{"typed_per_filter_config": off}],
        }}]})
    };
    let running = |name| {
        read("", active(inbound.clone()), routes(name))
            .policies
            .len()
    };
    assert_eq!((running("80"), running("81")), (0, 1));
}

/// Shadow rules enforce nothing.
#[test]
fn rbac_counts_where_it_enforces_rules() {
    let rbac = |field: &str| {
        json!({
            "name": "envoy.filters.http.rbac",
            "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC", field: {}},
        })
    };
    let has_rbac = |filters: Value| {
        let proxy = read(
            "",
            active(listener("INBOUND", filters, strict())),
            json!({}),
        );
        proxy.chains[0].has_rbac
    };
    assert!(has_rbac(json!([plain_filter(), rbac("rules")])));
    assert!(!has_rbac(json!([plain_filter(), rbac("shadow_rules")])));
    assert!(!has_rbac(json!([plain_filter()])));
    let mut off = rbac("rules");
    off["disabled"] = json!(true);
    assert!(!has_rbac(json!([off])));
}

#[test]
fn reports_gateways_that_do_not_validate_certificates() {
    let accepts_any = |common: Value, is_demanded: bool| {
        let mut socket = tls(common);
        socket["typed_config"]["require_client_certificate"] = json!(is_demanded);
        let outbound = active(listener("OUTBOUND", json!([]), socket));
        let gateway = read("router~1", outbound.clone(), json!({})).unvalidated;
        assert!(
            read("sidecar~1", outbound, json!({}))
                .unvalidated
                .is_empty()
        );
        gateway == ["l"]
    };
    let roots = json!({"trusted_ca": {"filename": "f"}});
    let any =
        json!({"trusted_ca": {"filename": "f"}, "trust_chain_verification": "ACCEPT_UNTRUSTED"});
    for is_demanded in [true, false] {
        assert!(accepts_any(json!({"validation_context": any}), is_demanded));
        assert!(!accepts_any(
            json!({"validation_context": roots}),
            is_demanded
        ));
        // Without roots, an optional certificate is not even requested.
        assert_eq!(accepts_any(json!({}), is_demanded), is_demanded);
    }
}

#[test]
fn detects_a_proxy_that_drops_the_revision_metric() {
    let hides = |matcher: Value| {
        let dump =
            json!({"configs": [{"bootstrap": {"stats_config": {"stats_matcher": matcher}}}]});
        let proxy = Proxy::from_config_dump("p", dump.to_string().as_bytes());
        proxy.unwrap().hides_revisions
    };
    let list = |kind: &str, pattern: Value| json!({kind: {"patterns": [pattern]}});
    for (matcher, expected) in [
        (json!({}), false),
        (json!({"reject_all": true}), true),
        (list("inclusion_list", json!({"prefix": "wasm"})), false),
        (
            list("inclusion_list", json!({"contains": "peergate_"})),
            false,
        ),
        (list("inclusion_list", json!({"prefix": "server"})), true),
        (
            list("inclusion_list", json!({"safe_regex": {"regex": ".*"}})),
            true,
        ),
        (
            list("exclusion_list", json!({"prefix": "wasmcustom"})),
            true,
        ),
        (list("exclusion_list", json!({"prefix": "server"})), false),
        (
            list("exclusion_list", json!({"safe_regex": {"regex": "x"}})),
            true,
        ),
    ] {
        assert_eq!(hides(matcher.clone()), expected, "{matcher}");
    }
}

#[test]
fn shows_the_start_of_an_unexpected_text() {
    let reason = |text: &str| {
        let proxy = Proxy::from_config_dump("p", text.as_bytes());
        proxy.unwrap_err().to_string()
    };
    let words = "Failed to convert protobuf message to JSON string";
    assert_eq!(reason(words), format!("expected JSON, found `{words}`"));
    assert_eq!(reason("{}"), "missing field `configs`");
    assert!(reason(&"ä ".repeat(10_000)).len() < 1_000);
}
