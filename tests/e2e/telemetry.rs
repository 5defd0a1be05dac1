//! Which requests proxies log with a rendered `Telemetry`.

use peergate_sandbox::wait::{TIMEOUT, wait_for};
use peergate_sandbox::{Request, Response};
use policy_schema::diagnostic::SourceText;
use policy_schema::istio::mesh_resources;
use policy_schema::reporting::ReportedRequests;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, validate};
use serde_json::{Value, json};

use crate::mesh::{Mesh, WEB, plugin_config};

/// The rendered expression of a mesh's access log.
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

/// The logged paths of requests that are allowed, allowed but denied in shadow, denied, and denied
/// as gRPC calls. The last request is always logged.
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
        // The last line may be incomplete.
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

/// Also if the filter records allowed requests.
#[test]
fn logs_only_denials_and_shadow_denials() {
    let denied = ["/denied", "/denied/call", "/last", "/orders/bulk"];
    for left in [ReportedRequests::Denied, ReportedRequests::All] {
        assert_eq!(logged("Denied", left), denied, "{left:?}");
    }
}

/// A call without a gRPC status in the response has failed too: the service does not speak gRPC.
#[test]
fn logs_only_failures() {
    let failed = ["/denied", "/denied/call", "/last", "/orders/call"];
    assert_eq!(logged("Failed", ReportedRequests::Denied), failed);
}
