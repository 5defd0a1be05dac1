//! The fields that the proxy's access log can contain about a decision.

use std::path::Path;

use peergate_sandbox::Request;
use peergate_sandbox::wait::{TIMEOUT, wait_for};
use policy_schema::istio::access_log_labels;
use policy_schema::plugin_config::PluginConfig;
use policy_schema::reporting::ReportedRequests;
use policy_schema::telemetry::DECISION_FIELDS;
use serde_json::{Value, json};

use crate::mesh::{Mesh, WEB, decision_id, plugin_config};

/// The log lines, once there are `count`.
fn lines(path: &Path, count: usize) -> Vec<Value> {
    wait_for("the access log", TIMEOUT, || {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let lines: Vec<Value> = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        Ok((lines.len() >= count).then_some(lines))
    })
    .unwrap()
}

/// The fields that the filter wrote for each request.
fn left(requests: &[Request], change: impl FnOnce(&mut PluginConfig)) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.log");
    let mesh = Mesh::with_logged_fields(&path, &access_log_labels(), plugin_config(change));
    let web = mesh.client_as(WEB);
    for request in requests {
        web.send(request).unwrap();
    }
    let lines = lines(&path, requests.len()).into_iter();
    lines
        .map(|line| {
            let fields = DECISION_FIELDS.map(|name| (name, line[name].clone()));
            let fields = fields.into_iter().filter(|(_, value)| !value.is_null());
            let fields = fields.filter(|(name, _)| *name != "peergate_decision");
            Value::Object(
                fields
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect(),
            )
        })
        .collect()
}

#[test]
fn logs_the_decision_and_its_id_without_query() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.log");
    let mesh = Mesh::with_logged_fields(&path, &access_log_labels(), plugin_config(|_| {}));
    let denied = mesh
        .client_as(WEB)
        .send(&Request::get("/admin?token=hunter2"))
        .unwrap();
    let id = decision_id(&denied).unwrap();
    let line = lines(&path, 1).remove(0);
    assert_eq!(line["peergate_policy"], "shop/orders");
    assert_eq!(line["peergate_rule"], "-");
    assert_eq!(line["peergate_effect"], "deny");
    assert_eq!(line["peergate_reason"], "no-rule-matched");
    assert_eq!(line["peergate_decision"], id);
    assert_eq!(line["response_code"], 403);
    assert_eq!(
        line["response_code_details"],
        "peergate_denied[no-rule-matched]"
    );
    assert_eq!(line["peer"], WEB);
    assert_eq!(line["path"], "/admin");
    assert!(line["start_time"].as_str().unwrap().ends_with('Z'));
    assert!(!line.to_string().contains("hunter2"));
}

#[test]
fn logs_allowed_requests_as_configured() {
    let requests = [
        Request::get("/orders"),
        Request::get("/orders/bulk"),
        Request::get("/admin"),
    ];
    let shadow = json!({
        "peergate_policy": "shop/orders",
        "peergate_rule": "stop-bulk-orders",
        "peergate_effect": "shadow_deny",
        "peergate_reason": "denied-by-rule",
    });
    let denied = json!({
        "peergate_policy": "shop/orders",
        "peergate_rule": "-",
        "peergate_effect": "deny",
        "peergate_reason": "no-rule-matched",
    });
    let of_denials = left(&requests, |_| {});
    assert_eq!(of_denials, [json!({}), shadow.clone(), denied.clone()]);
    let allowed = json!({
        "peergate_policy": "shop/orders",
        "peergate_rule": "web-places-orders",
        "peergate_effect": "allow",
        "peergate_reason": "allowed-by-rule",
    });
    let of_all = left(&requests, |config| {
        config.reporting.access_log = Some(ReportedRequests::All);
    });
    assert_eq!(of_all, [allowed, shadow, denied]);
}
