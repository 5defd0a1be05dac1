//! Failing filters: the rendered filter for plain Envoy determines whether requests pass.

use std::path::Path;

use peergate_sandbox::{Request, Response};
use peergate_tests::module;
use policy_schema::envoy::http_filters;
use serde_json::{Value, json};

use crate::mesh::{Mesh, WEB, assert_allowed, policies_of};

/// The filter for a policy with this enforcement, with this module.
fn filter_of(enforcement: &str, module: &Path) -> Value {
    let set = policies_of(&format!(
        "apiVersion: peergate.dev/v1alpha1\nkind: Mesh\nmetadata: {{name: test}}\n\
         spec: {{trustDomain: cluster.local, istioVersion: \"1.30\", defaults: {{otherwise: Pass}},\n\
         filter: {{image: \"file:///peergate_filter.wasm\"}}}}\n---\n\
         apiVersion: peergate.dev/v1alpha1\nkind: ServicePolicy\nmetadata: {{name: orders, namespace: shop}}\n\
         spec: {{selector: {{matchLabels: {{app: orders}}}}, otherwise: Pass, enforcement: {enforcement},\n\
         rules: [{{id: no-admin, effect: Deny, to: [{{paths: [/admin]}}]}}]}}\n"
    ));
    let policy = set.policy("shop", "orders").unwrap();
    let filters = http_filters(&set.rollout(policy), module.to_str().unwrap()).unwrap();
    serde_json::to_value(filters.first().unwrap()).unwrap()
}

fn call(mesh: &Mesh) -> Response {
    mesh.client_as(WEB).send(&Request::get("/orders")).unwrap()
}

/// A WebAssembly module that accepts every configuration and traps at each request.
fn trapping_module() -> Vec<u8> {
    const I32: u8 = 0x7f;
    let function_type = |parameters: usize, results: usize| {
        let parameters = [vec![0x60, byte(parameters)], vec![I32; parameters]].concat();
        [parameters, vec![byte(results)], vec![I32; results]].concat()
    };
    let types = [
        function_type(0, 0),
        function_type(1, 1),
        function_type(2, 0),
        function_type(2, 1),
        function_type(3, 1),
    ];
    // No local variables, and then `end` after: nothing, `i32.const 1`, or `unreachable`.
    let (nothing, one, trap) = (&[0, 0x0b][..], &[0, 0x41, 1, 0x0b][..], &[0, 0, 0x0b][..]);
    let bodies = [nothing, one, nothing, one, trap].map(sized);
    let functions = [
        ("proxy_abi_version_0_2_1", 0),
        ("malloc", 1),
        ("proxy_on_context_create", 2),
        ("proxy_on_vm_start", 3),
        ("proxy_on_configure", 3),
        ("proxy_on_request_headers", 4),
    ];
    let functions =
        functions.map(|(name, function)| [sized(name.as_bytes()), vec![0, function]].concat());
    let memory = [sized(b"memory"), vec![2, 0]].concat();
    let exports: Vec<_> = functions.into_iter().chain([memory]).collect();
    [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, &types),
        section(3, &[vec![0], vec![1], vec![2], vec![3], vec![4]]),
        section(5, &[vec![0, 1]]),
        section(7, &exports),
        section(10, &bodies),
    ]
    .concat()
}

/// Encodes a number below 16384 as LEB128.
fn number(number: usize) -> Vec<u8> {
    match number {
        0..=127 => vec![byte(number)],
        _ => vec![byte(number % 128) | 0x80, byte(number / 128)],
    }
}

fn byte(number: usize) -> u8 {
    u8::try_from(number).unwrap()
}

fn sized(bytes: &[u8]) -> Vec<u8> {
    [number(bytes.len()), bytes.to_vec()].concat()
}

fn section(id: u8, elements: &[Vec<u8>]) -> Vec<u8> {
    let content = [number(elements.len()), elements.concat()].concat();
    [vec![id], sized(&content)].concat()
}

#[test]
fn a_failing_filter_passes_requests_only_in_shadow() {
    for (enforcement, policy, status) in [
        ("Shadow", "FAIL_OPEN", 200),
        ("Enforce", "FAIL_RELOAD", 503),
    ] {
        let files = tempfile::tempdir().unwrap();
        let trapping = files.path().join("trapping.wasm");
        std::fs::write(&trapping, trapping_module()).unwrap();
        let sound = filter_of(enforcement, &module());
        assert_eq!(sound["typed_config"]["config"]["failure_policy"], policy);
        assert_allowed(&call(&Mesh::with_filters(vec![sound])));
        let mesh = Mesh::with_filters(vec![filter_of(enforcement, &trapping)]);
        // Regardless of the failure strategy, Envoy does not continue a request whose filter fails.
        assert_eq!(call(&mesh).status, 503, "{enforcement}");
        assert_eq!(call(&mesh).status, status, "{enforcement}");
    }
}

#[test]
fn an_invalid_first_config_denies_every_request_even_in_shadow() {
    let mut filter = filter_of("Shadow", &module());
    filter["typed_config"]["config"]["configuration"]["value"] = json!("{}");
    let mesh = Mesh::discovering_extension(&crate::mesh::extension_config_of(&filter));
    mesh.wait_for_config(crate::mesh::Discovery::Rejected);
    let response = call(&mesh);
    assert!(response.status >= 500, "{response:?}");
}
