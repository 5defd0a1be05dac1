//! Every kind of decision for callers with a valid identity.

use peergate_sandbox::{Client, Envoy, INBOUND_STRICT, OutboundSidecar, Request};
use policy_schema::rule_spec::Enforcement;

use crate::mesh::{Mesh, WEB, assert_allowed, assert_denied, envoy_binary, plugin_config};

#[test]
fn a_wrong_method_is_denied() {
    let mesh = Mesh::start();
    let client = mesh.client_as(WEB);
    assert_denied(
        &client.send(&Request::new("DELETE", "/orders")).unwrap(),
        "no-rule-matched",
    );
    // Over HTTP/1.1, Envoy itself rejects unknown methods.
    let client = client.http2();
    assert_denied(
        &client.send(&Request::new("get", "/orders")).unwrap(),
        "no-rule-matched",
    );
}

#[test]
fn a_wrong_path_is_denied() {
    let mesh = Mesh::start();
    let client = mesh.client_as(WEB);
    for path in [
        "/",
        "/Orders",
        "/orders/",
        "/orders/1/2",
        "/orders%2F1/2",
        "//orders",
        "/admin?/orders",
    ] {
        assert_denied(
            &client.send(&Request::get(path)).unwrap(),
            "no-rule-matched",
        );
    }
}

#[test]
fn paths_are_matched_as_normalized() {
    let mesh = Mesh::start();
    let client = mesh.client_as(WEB);
    assert_allowed(&client.send(&Request::get("/admin/../orders")).unwrap());
    assert_denied(
        &client.send(&Request::get("/orders/../admin")).unwrap(),
        "no-rule-matched",
    );
}

#[test]
fn a_deny_rule_beats_an_allow_rule() {
    let mesh = Mesh::start();
    let client = mesh.client_as("spiffe://cluster.local/ns/quarantine/sa/any");
    assert_denied(
        &client.send(&Request::get("/status")).unwrap(),
        "denied-by-rule",
    );
}

#[test]
fn an_expired_rule_no_longer_allows() {
    let mesh = Mesh::start();
    let client = mesh.client_as("spiffe://cluster.local/ns/shop/sa/reports");
    assert_denied(
        &client.send(&Request::get("/orders")).unwrap(),
        "expired-rule",
    );
}

#[test]
fn a_rule_that_is_not_yet_valid_does_not_allow() {
    let mesh = Mesh::start();
    let client = mesh.client_as("spiffe://cluster.local/ns/shop/sa/planning");
    assert_denied(
        &client.send(&Request::get("/orders")).unwrap(),
        "rule-not-yet-valid",
    );
}

#[test]
fn a_shadow_rule_changes_nothing_and_is_counted() {
    let mesh = Mesh::start();
    let client = mesh.client_as(WEB);
    assert_allowed(&client.send(&Request::get("/orders/bulk")).unwrap());
    let metrics = mesh.metrics();
    let labels = [
        ("peergate_rule", "stop-bulk-orders"),
        ("peergate_effect", "shadow_deny"),
    ];
    assert_eq!(
        metrics.value("peergate_decisions_total", &labels),
        Some(1.0)
    );
}

#[test]
fn a_shadow_policy_passes_and_counts_every_request() {
    let mesh = Mesh::with_config(plugin_config(|config| {
        config.enforcement = Enforcement::Shadow
    }));
    assert_allowed(
        &mesh
            .plaintext_client()
            .send(&Request::get("/orders"))
            .unwrap(),
    );
    let stranger = mesh.client_as("spiffe://evil.example/ns/shop/sa/web");
    assert_allowed(&stranger.send(&Request::get("/orders")).unwrap());
    let metrics = mesh.metrics();
    for reason in ["no-identity", "foreign-trust-domain"] {
        let labels = [
            ("peergate_reason", reason),
            ("peergate_effect", "shadow_deny"),
        ];
        assert_eq!(
            metrics.value("peergate_decisions_total", &labels),
            Some(1.0),
            "{reason}"
        );
    }
}

#[test]
fn hosts_match_in_any_case() {
    let mesh = Mesh::start();
    let client = mesh.client_as("spiffe://cluster.local/ns/istio-system/sa/gateway");
    let to = |host: &str, path: &str| client.send(&Request::get(path).authority(host)).unwrap();
    assert_allowed(&to("shop.example.com", "/orders"));
    assert_allowed(&to("Shop.Example.COM", "/orders"));
    assert_denied(&to("shop.example.com:8080", "/orders"), "no-rule-matched");
    assert_denied(&to("shop.example.com", "/internal/keys"), "no-rule-matched");
}

#[test]
fn ports_are_those_of_the_workload() {
    let refuse_other_port = |config: &mut policy_schema::plugin_config::PluginConfig| {
        for rule in &mut config.rules {
            for operation in rule.to.iter_mut().flatten() {
                operation.ports = Some(vec![1]);
            }
        }
    };
    let mesh = Mesh::with_config(plugin_config(refuse_other_port));
    let response = mesh.client_as(WEB).send(&Request::get("/orders")).unwrap();
    assert_denied(&response, "no-rule-matched");
    let own_port = mesh.envoy.listener(INBOUND_STRICT).unwrap().port();
    let exclude_own_port = |config: &mut policy_schema::plugin_config::PluginConfig| {
        for rule in &mut config.rules {
            for operation in rule.to.iter_mut().flatten() {
                operation.not_ports = Some(vec![1]);
            }
        }
    };
    assert_ne!(own_port, 1);
    let mesh = Mesh::with_config(plugin_config(exclude_own_port));
    assert_allowed(&mesh.client_as(WEB).send(&Request::get("/orders")).unwrap());
}

#[test]
fn distinguishes_callers_behind_sidecars() {
    let mesh = Mesh::start();
    let files = tempfile::tempdir().unwrap();
    let ca = mesh.authority.write_to(files.path(), "ca").unwrap();
    let target = mesh.envoy.listener(INBOUND_STRICT).unwrap();
    let ads = "spiffe://cluster.local/ns/shop/sa/ads";
    let sidecars = OutboundSidecar::new(ca, target)
        .caller(
            "web",
            mesh.identity([WEB]).write_to(files.path(), "web").unwrap(),
        )
        .caller(
            "ads",
            mesh.identity([ads]).write_to(files.path(), "ads").unwrap(),
        );
    let outbound = Envoy::start(&envoy_binary(), &sidecars.bootstrap()).unwrap();
    let call = |caller: &str| {
        let client = Client::new(outbound.listener(caller).unwrap()).unwrap();
        client.send(&Request::get("/orders")).unwrap()
    };
    assert_allowed(&call("web"));
    assert_denied(&call("ads"), "no-rule-matched");
}

#[test]
fn http2_and_grpc_are_decided_alike() {
    let mesh = Mesh::start();
    let client = mesh.client_as(WEB).http2();
    assert_allowed(&client.send(&Request::get("/orders")).unwrap());
    assert_denied(
        &client.send(&Request::get("/admin")).unwrap(),
        "no-rule-matched",
    );
    let grpc = Request::new("POST", "/shop.Admin/Wipe").header("content-type", "application/grpc");
    let response = client.send(&grpc).unwrap();
    assert_eq!(response.status, 200);
    assert_eq!(
        response.header("grpc-status"),
        Some(&b"7"[..]),
        "{response:?}"
    );
    let message = response.header("grpc-message").unwrap();
    assert!(
        String::from_utf8_lossy(message).contains("no-rule-matched"),
        "{response:?}"
    );
}
