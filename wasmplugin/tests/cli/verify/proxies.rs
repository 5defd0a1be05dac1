//! Saved configurations of Istio proxies.

#![expect(
    clippy::indexing_slicing,
    reason = "what the tests share may fail as the tests do"
)]

use std::path::Path;

use serde_json::{Value, json};

use super::{NOW, SHOP, folder, run, text};

const PROXY: &str = "proxy boutique/cartservice-1";

/// The configuration of the cart service's sidecar.
fn dump() -> Value {
    let args = ["render", "-f", SHOP, "--at", NOW, "--only", "plugin-config"];
    let config = run(&[&args[..], &["--policy", "boutique/cartservice"]].concat());
    assert_eq!(config.status, 0, "{}", config.stderr);
    let filter = json!({
        "name": "peergate",
        "typed_config": {"config": {"configuration": {"value": config.stdout}}},
    });
    let rbac = json!({
        "name": "envoy.filters.http.rbac",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
            "rules": {"policies": {}},
        },
    });
    let socket = json!({"typed_config": {
        "require_client_certificate": true,
        "common_tls_context": {"validation_context": {"trusted_ca": {"filename": "root.pem"}}},
    }});
    let manager = json!({"typed_config": {
        "http_filters": [filter, rbac],
        "normalize_path": true,
        "path_with_escaped_slashes_action": "KEEP_UNCHANGED",
        "route_config": {"name": "inbound"},
    }});
    json!({"configs": [
        {"bootstrap": {"node": {
            "id": "sidecar~10.0.0.1~cartservice-1.boutique~boutique.svc.cluster.local",
            "metadata": {"NAME": "cartservice-1", "NAMESPACE": "boutique", "LABELS": {"app": "cartservice"}},
        }}},
        {"dynamic_listeners": [{"name": "virtualInbound", "active_state": {"listener": {
            "name": "virtualInbound",
            "traffic_direction": "INBOUND",
            "filter_chains": [{"name": "virtualInbound", "filters": [manager], "transport_socket": socket}],
        }}}]},
    ]})
}

/// The findings for a proxy with a changed connection manager, except that a file proves nothing.
fn found(change: impl FnOnce(&mut Value)) -> Vec<[String; 3]> {
    let mut dump = dump();
    let listener = &mut dump["configs"][1]["dynamic_listeners"][0]["active_state"]["listener"];
    change(&mut listener["filter_chains"][0]["filters"][0]["typed_config"]);
    let folder = folder(&[("dump.json", &dump.to_string())]);
    let proxy = folder.path().join("dump.json");
    findings(&proxy)
}

fn findings(proxy: &Path) -> Vec<[String; 3]> {
    let args = ["verify", "-f", SHOP, "--at", NOW, "--output", "json"];
    let run = run(&[&args[..], &["--proxy", text(proxy)]].concat());
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    findings
        .filter(|finding| finding["code"] != "not-checked")
        .map(|finding| ["code", "subject", "message"].map(|field| text(&finding[field])))
        .collect()
}

#[test]
fn reports_nothing_for_a_good_proxy() {
    assert_eq!(found(|_| ()), [[""; 3]; 0]);
}

#[test]
fn reports_a_filter_chain_without_rbac() {
    let found = found(|manager| {
        manager["http_filters"].as_array_mut().unwrap().pop();
    });
    let message = "an `AuthorizationPolicy` selects it, but RBAC does not apply to requests at `virtualInbound`";
    assert_eq!(found, [["policy-not-running", PROXY, message]]);
}

/// The default-deny policy applies to every proxy.
#[test]
fn reports_a_proxy_without_rbac_in_a_default_deny_mesh() {
    let mut dump = dump();
    dump["configs"][0]["bootstrap"]["node"]["metadata"]["LABELS"] = json!({"app": "stray"});
    let chain = "/configs/1/dynamic_listeners/0/active_state/listener/filter_chains/0";
    let manager = format!("{chain}/filters/0/typed_config/http_filters");
    *dump.pointer_mut(&manager).unwrap() = json!([]);
    let folder = folder(&[("dump.json", &dump.to_string())]);
    let message = "an `AuthorizationPolicy` selects it, but RBAC does not apply to requests at `virtualInbound`";
    let found = findings(&folder.path().join("dump.json"));
    assert_eq!(found, [["policy-not-running", PROXY, message]]);
}

#[test]
fn reports_a_passthrough_filter_chain_without_rbac() {
    let network_filter = |kind: &str, field: &str, value: Value| {
        let kind = format!("type.googleapis.com/envoy.extensions.filters.network.{kind}");
        json!({"typed_config": {"@type": kind, field: value}})
    };
    let rbac = |rules: &str| network_filter("rbac.v3.RBAC", rules, json!({}));
    let proxy = |cluster: &str| network_filter("tcp_proxy.v3.TcpProxy", "cluster", json!(cluster));
    for (filters, is_unchecked) in [
        (json!([proxy("inbound|6379||")]), true),
        (json!([rbac("shadow_rules"), proxy("inbound|6379||")]), true),
        (json!([rbac("rules"), proxy("inbound|6379||")]), false),
        (json!([proxy("BlackHoleCluster")]), false),
    ] {
        let mut dump = dump();
        let listener = "/configs/1/dynamic_listeners/0/active_state/listener/filter_chains";
        let chains = dump.pointer_mut(listener).unwrap().as_array_mut().unwrap();
        let mut chain = chains[0].clone();
        chain["filters"] = filters.clone();
        chain["filter_chain_match"] = json!({"destination_port": 6379});
        chains.push(chain);
        let folder = folder(&[("dump.json", &dump.to_string())]);
        let found = findings(&folder.path().join("dump.json"));
        let message = "an `AuthorizationPolicy` selects it, but RBAC does not apply to connections at `virtualInbound, port 6379`";
        if is_unchecked {
            assert_eq!(found, [["policy-not-running", PROXY, message]], "{filters}");
        } else {
            assert_eq!(found, [[""; 3]; 0], "{filters}");
        }
    }
}

#[test]
fn reports_a_proxy_with_another_path_normalization() {
    let message = "its path normalization differs from the `Mesh` at `virtualInbound`";
    let changes: [fn(&mut Value); 4] = [
        |manager| manager["normalize_path"] = json!(false),
        |manager| manager["merge_slashes"] = json!(true),
        |manager| manager["path_with_escaped_slashes_action"] = json!("UNESCAPE_AND_FORWARD"),
        |manager| manager["path_normalization_options"] = json!({"forwarding_transformation": {}}),
    ];
    for change in changes {
        assert_eq!(found(change), [["enforcement-undone", PROXY, message]]);
    }
}

#[test]
fn reports_routes_that_ignore_path_parameters() {
    let found = found(|manager| {
        manager["route_config"]["ignore_path_parameters_in_path_matching"] = json!(true);
    });
    let message = "its routes set `ignore_path_parameters_in_path_matching` at `virtualInbound`, so RBAC matches a different path than the filter";
    assert_eq!(found, [["enforcement-undone", PROXY, message]]);
}

#[test]
fn refuses_an_argument_that_is_not_an_admin_endpoint() {
    for (proxy, expected) in [
        ("http://", "use `http://HOST:PORT`, such as"),
        ("http://localhost", "use `http://HOST:PORT`, such as"),
        ("http://127.0.0.1:99999", "use `http://HOST:PORT`, such as"),
        ("http://127.0.0.1:0", "use `http://HOST:PORT`, such as"),
        (
            "http://127.0.0.1:15000/config_dump",
            "use `http://HOST:PORT`, such as",
        ),
        ("https://127.0.0.1:15000", "`https` is not supported"),
        ("ftp://127.0.0.1:15000", "`ftp` is not supported"),
    ] {
        let run = run(&["verify", "-f", SHOP, "--at", NOW, "--proxy", proxy]);
        assert_eq!(
            (run.status, run.stdout.as_str()),
            (3, ""),
            "{proxy}: {}",
            run.stderr
        );
        assert!(run.stderr.contains(expected), "{proxy}: {}", run.stderr);
    }
}

/// Without an image in the `Mesh`, proxies need no filter.
#[test]
fn skips_a_proxy_without_listeners() {
    let mesh = "apiVersion: peergate.dev/v1alpha1\nkind: Mesh\nmetadata: {name: m}\nspec: {trustDomain: cluster.local, istioVersion: \"1.31\"}\n";
    for dump in [
        json!({"configs": []}),
        json!({"configs": [{"bootstrap": {"node": {"id": "sidecar~10.0.0.1~a.b~b.svc.cluster.local"}}}]}),
        json!({"configs": [{"dynamic_listeners": []}]}),
    ] {
        let folder = folder(&[("dump.json", &dump.to_string()), ("mesh.yaml", mesh)]);
        let path = |name: &str| folder.path().join(name);
        let (dump, mesh) = (path("dump.json"), path("mesh.yaml"));
        let args = ["verify", "-f", text(&mesh), "--proxy", text(&dump)];
        let run = run(&[&args[..], &["--deny-warnings"]].concat());
        assert_eq!(run.status, 2, "{}", run.stdout);
        assert!(run.stdout.contains("not-checked"), "{}", run.stdout);
        assert!(run.stdout.contains("has no listeners"), "{}", run.stdout);
    }
}
