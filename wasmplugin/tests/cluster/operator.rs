//! Objects for the Prometheus operator, on an API server with the operator's own definitions.

use std::env;
use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::cluster::{Cluster, documents};
use super::stdout_of;

/// The page with the monitors that the operator needs.
const PAGE: &str = include_str!("../../../docs/monitoring.md");

/// A cluster that has the operator's kinds, and its namespace.
fn cluster() -> Cluster {
    let cluster = Cluster::start();
    let namespace =
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "monitoring"}});
    cluster.apply(&namespace.to_string());
    let definitions = ["podmonitors", "prometheusrules", "servicemonitors"].map(definition);
    cluster.define(&definitions);
    cluster
}

/// A definition from the folder that `scripts/monitoring-tools` creates.
fn definition(kind: &str) -> Value {
    let tools = env::var_os("PEERGATE_MONITORING_TOOLS").unwrap_or_else(|| {
        panic!("set PEERGATE_MONITORING_TOOLS to the output of `scripts/monitoring-tools`, as `make test` does")
    });
    let path = PathBuf::from(tools).join(format!("definitions/{kind}.yaml"));
    documents(&fs::read_to_string(path).unwrap()).remove(0)
}

/// The object with one field changed.
fn with(mut object: Value, pointer: &str, fault: Value) -> Value {
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    object.pointer_mut(parent).unwrap()[field] = fault;
    object
}

#[test]
fn the_operator_accepts_the_rules_and_documented_monitors_and_rejects_unknown_fields() {
    let cluster = cluster();
    let rules = [
        "monitoring",
        "--layout",
        "prometheus-rule",
        "--only",
        "rules,alerts",
    ];
    // As with `kubectl -n monitoring`.
    let rules = documents(&stdout_of(&rules)).remove(0);
    let rules = with(rules, "/metadata/namespace", json!("monitoring"));
    let monitors = PAGE.split("```yaml operator\n").nth(1).unwrap();
    let monitors = documents(monitors.split("```").next().unwrap());
    let [pods, istiod] = &monitors[..] else {
        panic!("{monitors:#?}")
    };

    let faults = [
        (&rules, "/spec/groups/1/rules/0/for", json!("5 minutes")),
        (&rules, "/spec/groups/1/rules/0/expression", json!("1")),
        (&rules, "/spec/groups/0/interval", json!("1 minute")),
        (pods, "/spec/podMetricsEndpoints/0/relabel", json!([])),
        (istiod, "/spec/endpoints/0/interval", json!("soon")),
    ];
    for (object, pointer, fault) in faults {
        let refused = cluster.try_apply(&with(object.clone(), pointer, fault));
        let reason = refused.unwrap_err().to_string();
        let field = pointer.rsplit('/').next().unwrap();
        assert!(reason.contains(field), "{pointer}: {reason}");
    }
    for object in [&rules, pods, istiod] {
        cluster.try_apply(object).unwrap();
    }
}
