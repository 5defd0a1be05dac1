//! Which requests a rendered `Telemetry` has proxies log.

use peergate_sandbox::wait::{TIMEOUT, wait_for};
use peergate_sandbox::{Request, Response};
use policy_schema::diagnostic::SourceText;
use policy_schema::istio::mesh_resources;
use policy_schema::reporting::ReportedRequests;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, validate};
use serde_json::{Value, json};

use crate::mesh::{Mesh, WEB, plugin_config};

/// The expression that a mesh's access log is rendered with.
fn expression(requests: &str) -> String {
    let mesh = json!({
        "apiVersion": "peergate.dev/v1alpha1",
        "kind": "Mesh",
        "metadata": {"name": "test"},
        "spec": {
            "trustDomain": "cluster.local",
            "istioVersion": "1.31",
            "telemetry": {"accessLog": {"requests": requests}},
        },
    });
    let source = SourceText {
        name: "mesh.json".to_owned(),
        text: mesh.to_string(),
    };
    let options = Options {
        at: Timestamp::from_unix_nanoseconds(0),
        istio_version: None,
    };
    let set = validate(&[source], options).policies.unwrap();
    let resources = mesh_resources(&set);
    let mut objects = resources
        .iter()
        .map(|resource| serde_json::to_value(resource).unwrap());
    let telemetry = objects
        .find(|object| object["kind"] == "Telemetry")
        .unwrap();
    let filter = &telemetry["spec"]["accessLogging"][0]["filter"];
    filter["expression"].as_str().unwrap().to_owned()
}

/// The paths that are logged of requests that are let in, let in though a rule in shadow denies them,
/// denied, and denied as gRPC calls, with one at the end that is logged in any case.
fn logged(requests: &str, left: ReportedRequests) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.log");
    let config = plugin_config(|config| config.reporting.access_log = Some(left));
    let mesh = Mesh::with_access_log(&path, &expression(requests), config);
    let client = mesh.client_as(WEB);
    let ask = |request: Request| -> Response { client.send(&request).unwrap() };
    assert_eq!(ask(Request::get("/orders/allowed")).status, 200);
    assert_eq!(ask(Request::get("/orders/bulk")).status, 200);
    assert_eq!(ask(Request::get("/denied")).status, 403);
    let calls = mesh.client_as(WEB).http2();
    let call = |path: &str| Request::new("POST", path).header("content-type", "application/grpc");
    assert_eq!(calls.send(&call("/orders/call")).unwrap().status, 200);
    assert_eq!(calls.send(&call("/denied/call")).unwrap().status, 200);
    assert_eq!(ask(Request::get("/last")).status, 403);
    let paths = || {
        let log = std::fs::read_to_string(&path).unwrap_or_default();
        // It may be read in the midst of a line.
        if !log.ends_with('\n') {
            return Ok(None);
        }
        let lines = log
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let paths: Vec<_> = lines
            .map(|line| line["path"].as_str().unwrap().to_owned())
            .collect();
        Ok(paths.contains(&"/last".to_owned()).then_some(paths))
    };
    let mut paths = wait_for("the log", TIMEOUT, paths).unwrap();
    paths.sort();
    paths
}

/// Also where the filter leaves what it decided of requests that pass.
#[test]
fn denials_alone_are_logged_grpc_or_not_and_what_is_in_shadow() {
    let denied = ["/denied", "/denied/call", "/last", "/orders/bulk"];
    for left in [ReportedRequests::Denied, ReportedRequests::All] {
        assert_eq!(logged("Denied", left), denied, "{left:?}");
    }
}

/// A call that comes back without a gRPC status has failed too: the service does not speak it.
#[test]
fn failures_alone_are_logged() {
    let failed = ["/denied", "/denied/call", "/last", "/orders/call"];
    assert_eq!(logged("Failed", ReportedRequests::Denied), failed);
}
