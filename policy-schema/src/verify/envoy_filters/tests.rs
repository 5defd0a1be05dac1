use serde_json::{Value, json};

use super::*;
use crate::document::PathNormalization;

fn judge(of_gateway: bool, patch: &Value) -> Judgement {
    let guards = Guards {
        plugins: vec!["shop.cart-peergate".to_owned()],
        sources: vec![JWT],
        normalization: PathNormalization::Base,
    };
    guards.judge(&Patch::new(patch), of_gateway)
}

fn undoes(does: &str) -> Judgement {
    Judgement::Undoes(does.to_owned())
}

fn unknown(does: &str) -> Judgement {
    Judgement::Unknown(does.to_owned())
}

/// A patch of the HTTP filter `name`.
fn of_filter(operation: &str, name: Option<&str>, value: &Value) -> Value {
    let mut filter = json!({"name": "envoy.filters.network.http_connection_manager"});
    if let Some(name) = name {
        filter["subFilter"] = json!({"name": name});
    }
    json!({
        "applyTo": "HTTP_FILTER",
        "match": {"context": "SIDECAR_INBOUND", "listener": {"filterChain": {"filter": filter}}},
        "patch": {"operation": operation, "value": value},
    })
}

/// A patch of the connection manager, or of routes.
fn merging(apply_to: &str, value: &Value) -> Value {
    let manager = json!({"name": "envoy.filters.network.http_connection_manager"});
    json!({
        "applyTo": apply_to,
        "match": {"listener": {"filterChain": {"filter": manager}}},
        "patch": {"operation": "MERGE", "value": value},
    })
}

fn filter_of_type(kind: &str) -> Value {
    let kind = format!("type.googleapis.com/envoy.extensions.filters.http.{kind}");
    json!({"name": "any", "typed_config": {"@type": kind}})
}

#[test]
fn a_patch_that_removes_or_changes_an_enforcing_filter_disables_enforcement() {
    for name in [
        "envoy.filters.http.rbac",
        "envoy.filters.http.jwt_authn",
        "extensions.istio.io/wasmplugin/shop.cart-peergate",
        "extensions.istio.io/trafficextension/shop.cart-peergate~istio-translated-wasmplugin",
        "shop.cart-peergate",
    ] {
        for (operation, does) in [
            ("REMOVE", "removes"),
            ("REPLACE", "replaces"),
            ("MERGE", "changes"),
        ] {
            let patch = of_filter(operation, Some(name), &json!({}));
            assert_eq!(
                judge(false, &patch),
                undoes(&format!("{does} the filter `{name}`"))
            );
        }
    }
}

#[test]
fn a_patch_that_removes_all_filters_disables_enforcement() {
    let patch = of_filter("REMOVE", None, &Value::Null);
    assert_eq!(judge(false, &patch), undoes("removes every filter"));
    let manager = "envoy.filters.network.http_connection_manager";
    let mut patch = merging("NETWORK_FILTER", &Value::Null);
    patch["patch"]["operation"] = json!("REMOVE");
    assert_eq!(
        judge(false, &patch),
        undoes(&format!("removes the filter `{manager}`"))
    );
    patch["match"] =
        json!({"listener": {"filterChain": {"filter": {"name": "envoy.filters.network.rbac"}}}});
    assert_eq!(
        judge(false, &patch),
        undoes("removes the filter `envoy.filters.network.rbac`")
    );
}

/// A filter of another policy, or one whose name merely begins with the name of the filter.
#[test]
fn does_not_mistake_another_filter_for_an_enforcing_one() {
    for name in [
        "extensions.istio.io/wasmplugin/shop.cart-peergate2",
        "extensions.istio.io/wasmplugin/other.shop.cart-peergate",
        "envoy.filters.http.lua",
    ] {
        let patch = of_filter("REMOVE", Some(name), &Value::Null);
        assert_eq!(
            judge(false, &patch),
            unknown(&format!("removes the filter `{name}`"))
        );
    }
    let patch = of_filter("REMOVE", Some("istio.stats"), &Value::Null);
    assert_eq!(judge(false, &patch), Judgement::Harmless);
}

/// By its type, regardless of its name.
#[test]
fn judges_an_added_filter_by_its_type() {
    for operation in ["ADD", "INSERT_FIRST", "INSERT_BEFORE", "INSERT_AFTER"] {
        let limit = filter_of_type("local_ratelimit.v3.LocalRateLimit");
        let judged = judge(false, &of_filter(operation, None, &limit));
        assert_eq!(judged, Judgement::Harmless, "{operation}");
        let lua = filter_of_type("lua.v3.Lua");
        let judged = judge(false, &of_filter(operation, None, &lua));
        let changes = "adds a filter of type `lua`, which can change or answer requests";
        assert_eq!(judged, unknown(changes), "{operation}");
    }
    let named = json!({"name": "envoy.filters.http.local_ratelimit"});
    let changes = "adds a filter of an unknown type, which can change or answer requests";
    assert_eq!(
        judge(false, &of_filter("ADD", None, &named)),
        unknown(changes)
    );
    let wrapped = json!({"typed_config": {
        "@type": "type.googleapis.com/udpa.type.v1.TypedStruct",
        "type_url": "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
    }});
    assert_eq!(
        judge(false, &of_filter("ADD", None, &wrapped)),
        Judgement::Harmless
    );
}

#[test]
fn finds_disabling_settings_at_any_depth() {
    let accepted = "accepts unvalidated certificates";
    let paths = "sets `normalize_path`, which contradicts `pathNormalization` of the `Mesh`";
    let parameters = "sets `ignore_path_parameters_in_path_matching`, so RBAC matches a different path than the filter";
    let routes = "overrides the settings of the filter `envoy.filters.http.rbac` for routes";
    let untrusted = |value: Value| json!({"transport_socket": {"typed_config": {"common_tls_context": {"validation_context": value}}}});
    for (apply_to, value, does) in [
        (
            "FILTER_CHAIN",
            untrusted(json!({"trust_chain_verification": "ACCEPT_UNTRUSTED"})),
            accepted,
        ),
        (
            "FILTER_CHAIN",
            untrusted(json!({"trustChainVerification": 1})),
            accepted,
        ),
        (
            "LISTENER",
            json!({"filter_chains": [untrusted(json!({"trust_chain_verification": "ACCEPT_UNTRUSTED"}))]}),
            accepted,
        ),
        (
            "NETWORK_FILTER",
            json!({"typed_config": {"normalize_path": false}}),
            paths,
        ),
        (
            "NETWORK_FILTER",
            json!({"typedConfig": {"normalizePath": false}}),
            paths,
        ),
        (
            "NETWORK_FILTER",
            json!({"typed_config": {"route_config": {"ignore_path_parameters_in_path_matching": true}}}),
            parameters,
        ),
        (
            "ROUTE_CONFIGURATION",
            json!({"ignorePathParametersInPathMatching": true}),
            parameters,
        ),
        (
            "HTTP_ROUTE",
            json!({"typed_per_filter_config": {"envoy.filters.http.rbac": {}}}),
            routes,
        ),
        (
            "VIRTUAL_HOST",
            json!({"routes": [{"typedPerFilterConfig": {"envoy.filters.http.rbac": {}}}]}),
            routes,
        ),
    ] {
        assert_eq!(
            judge(false, &merging(apply_to, &value)),
            undoes(does),
            "{apply_to} {value}"
        );
    }
}

#[test]
fn reports_sidecars_but_not_gateways_without_required_certificates() {
    let value =
        json!({"transport_socket": {"typed_config": {"require_client_certificate": false}}});
    let patch = merging("FILTER_CHAIN", &value);
    let does = "no longer requires client certificates";
    assert_eq!(judge(false, &patch), undoes(does));
    assert_eq!(
        judge(true, &patch),
        unknown("sets `require_client_certificate`")
    );
}

#[test]
fn independent_settings_are_harmless_and_others_are_not_judged() {
    for (apply_to, value, setting) in [
        (
            "NETWORK_FILTER",
            json!({"typed_config": {"@type": "x", "stream_idle_timeout": "5s"}}),
            None,
        ),
        (
            "NETWORK_FILTER",
            json!({"typed_config": {"server_name": "x", "normalize_path": true}}),
            None,
        ),
        (
            "NETWORK_FILTER",
            json!({"typed_config": {"use_remote_address": true}}),
            Some("use_remote_address"),
        ),
        (
            "NETWORK_FILTER",
            json!({"typed_config": {"http_filters": []}}),
            Some("http_filters"),
        ),
        (
            "LISTENER",
            json!({"per_connection_buffer_limit_bytes": 1}),
            None,
        ),
        (
            "LISTENER",
            json!({"perConnectionBufferLimitBytes": 1}),
            None,
        ),
        (
            "LISTENER",
            json!({"bind_to_port": false}),
            Some("bind_to_port"),
        ),
        ("CLUSTER", json!({"connect_timeout": "1s"}), None),
        (
            "CLUSTER",
            json!({"transport_socket": {"typed_config": {"sni": "x"}}}),
            Some("sni"),
        ),
        (
            "FILTER_CHAIN",
            json!({"transport_socket": {"name": "envoy.transport_sockets.raw_buffer"}}),
            Some("transport_socket"),
        ),
        (
            "FILTER_CHAIN",
            json!({"transportSocket": {"typedConfig": {"@type": "x/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer"}}}),
            Some("transport_socket"),
        ),
        (
            "FILTER_CHAIN",
            json!({"transport_socket": {"name": "envoy.transport_sockets.tls"}}),
            None,
        ),
        (
            "NETWORK_FILTER",
            json!({"typed_config": {"common_http_protocol_options": {"idle_timeout": "1s"}, "http2_protocol_options": {"max_concurrent_streams": 1}}}),
            None,
        ),
        (
            "NETWORK_FILTER",
            json!({"typed_config": {"http_protocol_options": {"default_host_for_http_10": "a"}}}),
            Some("default_host_for_http_10"),
        ),
        (
            "NETWORK_FILTER",
            json!({"typed_config": {"http2_protocol_options": {"allow_connect": true}}}),
            Some("allow_connect"),
        ),
        ("HTTP_ROUTE", json!({"route": {"timeout": "1s"}}), None),
        (
            "HTTP_ROUTE",
            json!({"route": {"prefix_rewrite": "/admin"}}),
            Some("prefix_rewrite"),
        ),
        (
            "BOOTSTRAP",
            json!({"stats_config": {"stats_tags": []}}),
            None,
        ),
        (
            "BOOTSTRAP",
            json!({"static_resources": {}}),
            Some("static_resources"),
        ),
    ] {
        let expected = match setting {
            Some(setting) => unknown(&format!("sets `{setting}`")),
            None => Judgement::Harmless,
        };
        assert_eq!(
            judge(false, &merging(apply_to, &value)),
            expected,
            "{apply_to} {value}"
        );
    }
}

#[test]
fn does_not_judge_unknown_settings() {
    for (patch, does) in [
        (json!({}), "applies nothing to nothing"),
        (
            json!({"applyTo": "LISTENER_FILTER", "patch": {"operation": "INSERT_FIRST"}}),
            "applies `INSERT_FIRST` to `LISTENER_FILTER`",
        ),
        (
            json!({"applyTo": "FILTER_CHAIN", "patch": {"operation": "REMOVE"}}),
            "applies `REMOVE` to `FILTER_CHAIN`",
        ),
        (
            of_filter("SHUFFLE", Some("x"), &json!({})),
            "applies `SHUFFLE` to `HTTP_FILTER`",
        ),
    ] {
        assert_eq!(judge(false, &patch), unknown(does));
    }
}

/// The example of a gateway without validation in the documentation.
#[test]
fn a_gateway_without_session_resumption_is_harmless() {
    let value = json!({"transport_socket": {"typed_config": {
        "disable_stateless_session_resumption": true,
        "disable_stateful_session_resumption": true,
    }}});
    assert_eq!(
        judge(true, &merging("FILTER_CHAIN", &value)),
        Judgement::Harmless
    );
}

#[test]
fn reports_a_patched_gateway_that_accepts_any_certificate() {
    let value = json!({"transport_socket": {"typed_config": {"common_tls_context": {
        "validation_context": {"trust_chain_verification": "ACCEPT_UNTRUSTED"},
    }}}});
    assert_eq!(
        judge(true, &merging("FILTER_CHAIN", &value)),
        Judgement::SkipsValidation
    );
}

/// Callers reach a sidecar's inbound listeners, and all listeners of a gateway.
#[test]
fn judges_patches_that_affect_callers() {
    for (context, at_sidecar, at_gateway) in [
        (json!(null), true, true),
        (json!("ANY"), true, true),
        (json!("SIDECAR_INBOUND"), true, false),
        (json!("SIDECAR_OUTBOUND"), false, false),
        (json!("GATEWAY"), false, true),
        (json!("WAYPOINT"), true, true),
        (json!("LATER"), true, true),
    ] {
        let mut patch = of_filter("REMOVE", Some("envoy.filters.http.rbac"), &Value::Null);
        patch["match"]["context"] = context.clone();
        for (of_gateway, is_met) in [(false, at_sidecar), (true, at_gateway)] {
            let is_judged = judge(of_gateway, &patch) != Judgement::Harmless;
            assert_eq!(is_judged, is_met, "{context} {of_gateway}");
        }
    }
}
