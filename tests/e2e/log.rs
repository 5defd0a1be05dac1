//! The filter's own log lines, at the level that Istio's proxies log.

use peergate_sandbox::Request;
use peergate_sandbox::wait::{TIMEOUT, wait_for};
use serde_json::Value;

use crate::mesh::{Mesh, WEB, decision_id};

/// The decisions in a proxy's log, once there are `count`.
pub(crate) fn decisions(mesh: &Mesh, count: usize) -> Vec<Value> {
    wait_for("the filter's log lines", TIMEOUT, || {
        let log = mesh.envoy.log()?;
        let lines: Vec<Value> = log
            .lines()
            .filter(|line| line.contains("[warning]"))
            .filter_map(|line| serde_json::from_str(line.get(line.find("{\"peergate\"")?..)?).ok())
            .collect();
        Ok((lines.len() >= count).then_some(lines))
    })
    .unwrap()
}

#[test]
fn each_denial_and_each_shadow_hit_is_a_line_of_json() {
    let mesh = Mesh::start();
    let web = mesh.client_as(WEB);
    let with_secrets = Request::get("/admin?token=hunter2").authority("me:hunter2@orders.shop");
    let denied = web.send(&with_secrets).unwrap();
    web.send(&Request::get("/orders")).unwrap();
    web.send(&Request::get("/orders/bulk")).unwrap();
    mesh.plaintext_client()
        .send(&Request::get("/orders").header("authorization", "Bearer hunter2"))
        .unwrap();
    let lines = decisions(&mesh, 3);
    assert_eq!(lines.len(), 3, "{lines:?}");
    let reported: Vec<_> = lines
        .iter()
        .map(|line| {
            let text = |name: &str| line[name].as_str().unwrap_or("-").to_owned();
            ["peergate", "rule", "reason", "caller", "path"].map(text)
        })
        .collect();
    assert_eq!(
        reported,
        [
            ["deny", "-", "no-rule-matched", WEB, "/admin"],
            [
                "shadow_deny",
                "stop-bulk-orders",
                "denied-by-rule",
                WEB,
                "/orders/bulk"
            ],
            ["deny", "-", "no-identity", "-", "/orders"],
        ]
    );
    assert_eq!(lines[0]["host"], "@orders.shop");
    assert_eq!(lines[0]["decision"], decision_id(&denied).unwrap());
    assert!(!mesh.envoy.log().unwrap().contains("hunter2"));
}
