//! Strangers, directly or through a gateway: what they learn, and what they cannot hide.

use std::time::Duration;

use peergate_sandbox::wait::wait_for;
use peergate_sandbox::{Client, Envoy, INBOUND_STRICT, OutboundSidecar, Request, Response};
use policy_schema::plugin_config::PluginConfig;
use serde_json::Value;

use crate::log::decisions;
use crate::mesh::{
    Mesh, WEB, assert_allowed, assert_denied, decision_id, envoy_binary, plugin_config,
};

const GATEWAY: &str = "spiffe://cluster.local/ns/istio-system/sa/gateway";
/// The same in the mesh's former cluster.
const OLD_GATEWAY: &str = "spiffe://old.example/ns/istio-system/sa/gateway";
/// The same name in another namespace.
const OTHER: &str = "spiffe://cluster.local/ns/shop/sa/gateway";

fn with_gateway(config: &mut PluginConfig) {
    config.mesh.gateways = vec!["istio-system/gateway".to_owned()];
}

/// The response to a plaintext client of a proxy that calls the service as `identity`.
fn through_gateway(mesh: &Mesh, identity: &str, request: &Request) -> Response {
    let files = tempfile::tempdir().unwrap();
    let ca = mesh.authority.write_to(files.path(), "ca").unwrap();
    let own = mesh.identity([identity]);
    let own = own.write_to(files.path(), "own").unwrap();
    let target = mesh.envoy.listener(INBOUND_STRICT).unwrap();
    let relay = OutboundSidecar::new(ca, target).caller("relay", own);
    let relay = Envoy::start(&envoy_binary(), &relay.bootstrap()).unwrap();
    let client = Client::new(relay.listener("relay").unwrap()).unwrap();
    client.send(request).unwrap()
}

/// The field names in the body of a denial.
fn disclosed_fields(response: &Response) -> Vec<String> {
    let body: Value = serde_json::from_str(&response.text()).unwrap();
    body.as_object().unwrap().keys().cloned().collect()
}

const TO_A_STRANGER: [&str; 4] = ["decision", "status", "title", "type"];

#[test]
fn requests_through_a_gateway_are_answered_like_strangers() {
    let mesh = Mesh::with_config(plugin_config(with_gateway));
    for gateway in [GATEWAY, OLD_GATEWAY] {
        let request = Request::get("/internal/keys").authority("shop.example.com");
        let response = through_gateway(&mesh, gateway, &request);
        assert_denied(&response, "no-rule-matched");
        assert_eq!(disclosed_fields(&response), TO_A_STRANGER, "{gateway}");
        assert_eq!(response.header("x-peergate-reason"), None, "{gateway}");
        assert!(decision_id(&response).is_some());
    }
    // Rules about the gateway are unaffected.
    let request = Request::get("/orders").authority("shop.example.com");
    assert_allowed(&through_gateway(&mesh, GATEWAY, &request));
}

#[test]
fn a_gateway_does_not_change_replies_to_mesh_callers() {
    let mesh = Mesh::with_config(plugin_config(with_gateway));
    for caller in [WEB, OTHER] {
        let response = mesh
            .client_as(caller)
            .send(&Request::get("/admin"))
            .unwrap();
        assert_denied(&response, "no-rule-matched");
        assert!(
            disclosed_fields(&response).contains(&"reason".to_owned()),
            "{caller}"
        );
    }
}

/// Without an entry in the documents, a gateway is an ordinary caller.
#[test]
fn an_undeclared_gateway_is_an_ordinary_caller() {
    let mesh = Mesh::start();
    let response = through_gateway(&mesh, GATEWAY, &Request::get("/orders"));
    assert_denied(&response, "no-rule-matched");
    assert!(disclosed_fields(&response).contains(&"rule".to_owned()));
}

#[test]
fn a_flood_by_strangers_hides_no_denial_of_a_mesh_caller() {
    let mesh = Mesh::start();
    let stranger = mesh.plaintext_client();
    let mut stranger = stranger.connect().unwrap();
    let web = mesh.client_as(WEB);
    for path in ["/a", "/b", "/c"] {
        for _ in 0..200 {
            let denied = stranger.send(&Request::get("/orders")).unwrap();
            assert_eq!(denied.status, 403);
        }
        assert_denied(&web.send(&Request::get(path)).unwrap(), "no-rule-matched");
    }
    wait_for("a line for each of them", Duration::from_secs(30), || {
        let lines = decisions(&mesh, 1).into_iter();
        let paths: Vec<_> = lines
            .filter(|line| line["caller"] == WEB)
            .map(|line| line["path"].as_str().unwrap().to_owned())
            .collect();
        Ok((paths == ["/a", "/b", "/c"]).then_some(()))
    })
    .unwrap();
}
