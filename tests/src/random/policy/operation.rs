//! Random operations of rules.

use policy_schema::rule_spec::OperationSpec;
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

use super::values::{list, pattern};
use crate::random::alphabet::PATHS;

pub(super) fn operation() -> impl Strategy<Value = OperationSpec> {
    let lists = (
        (
            weighted(0.35, list(method())),
            weighted(0.1, list(method())),
        ),
        (weighted(0.6, list(path())), weighted(0.2, list(path()))),
        (weighted(0.2, list(host())), weighted(0.1, list(host()))),
        (weighted(0.2, list(port())), weighted(0.1, list(port()))),
    );
    lists.prop_map(|(methods, paths, hosts, ports)| {
        let mut operation = OperationSpec {
            methods: methods.0,
            not_methods: methods.1,
            paths: paths.0,
            not_paths: paths.1,
            hosts: hosts.0,
            not_hosts: hosts.1,
            ports: ports.0,
            not_ports: ports.1,
        };
        if operation == OperationSpec::default() {
            operation.not_ports = Some(vec![1]);
        }
        operation
    })
}

fn method() -> impl Strategy<Value = String> {
    pattern(&["GET", "PUT", "POST", "PATCH"])
}

pub(super) fn host() -> impl Strategy<Value = String> {
    pattern(&["a.b", "A.B:80", "ab", "b:80"])
}

pub(super) fn port() -> impl Strategy<Value = u16> + Clone {
    select(&[80, 81, 8080][..])
}

pub(super) fn path() -> impl Strategy<Value = String> {
    let segment = select(&["a", "b", "ab", "c"][..]);
    let head = prop_oneof![3 => segment.clone(), 1 => Just("{*}")];
    let template = (vec(head, 0..3), vec(segment, 0..3), any::<bool>(), 0..6u8);
    let template = template.prop_map(|(head, tail, has_rest, slash)| {
        let is_template = has_rest || head.contains(&"{*}");
        let operator = if is_template && !has_rest {
            None
        } else {
            Some("{**}")
        };
        let tail = tail.into_iter().filter(|_| operator.is_some());
        let segments: Vec<_> = head.into_iter().chain(operator).chain(tail).collect();
        format!(
            "/{}{}",
            segments.join("/"),
            if slash == 0 { "/" } else { "" }
        )
    });
    prop_oneof![2 => pattern(&PATHS).prop_map(as_path), 1 => template]
}

/// Exact and prefix patterns start with a slash, like all texts they are derived from.
fn as_path(pattern: String) -> String {
    assert!(pattern.starts_with(['/', '*']));
    pattern
}
