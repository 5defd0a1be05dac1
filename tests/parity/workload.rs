//! Determines which objects Istio applies to a workload (`pilot/pkg/model/policyattachment.go`).

use std::collections::BTreeMap;

use policy_schema::istio::authorization_policy::{LabelSelector, TargetReference};
use serde::Deserialize;

use crate::shape::{ROOT_NAMESPACE, Requests};

/// A workload to compare.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Workload {
    pub(crate) namespace: String,
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, String>,
    /// For a waypoint: the target service of requests, in the waypoint's namespace.
    service: Option<String>,
    /// Whether nothing is imported for it, because the import does not support a part.
    #[serde(default)]
    pub(crate) left_out: bool,
    pub(crate) requests: Requests,
}

/// The attachment of an object.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Attached {
    pub(crate) namespace: String,
    pub(crate) selector: Option<LabelSelector>,
    #[serde(default)]
    pub(crate) targets: Vec<TargetReference>,
}

/// The label on pods of a Gateway API `Gateway`, including waypoints.
const GATEWAY_NAME: &str = "gateway.networking.k8s.io/gateway-name";

impl Workload {
    /// Whether an object applies to the workload.
    pub(crate) fn has(&self, object: &Attached) -> bool {
        let is_in_root = object.namespace == ROOT_NAMESPACE;
        let is_here = object.namespace == self.namespace;
        let gateway = self.labels.get(GATEWAY_NAME);
        let is_waypoint = self.service.is_some();
        if object.targets.is_empty() {
            return (is_in_root || is_here) && !is_waypoint && self.is_selected(object);
        }
        object
            .targets
            .iter()
            .any(|target| match target.kind.as_str() {
                "Service" => is_here && self.service.as_deref() == Some(&target.name),
                "Gateway" => is_here && gateway == Some(&target.name),
                "GatewayClass" => is_in_root && is_waypoint && target.name == "istio-waypoint",
                other => panic!("{other}"),
            })
    }

    fn is_selected(&self, object: &Attached) -> bool {
        let selector = object.selector.iter();
        let mut labels = selector.flat_map(|selector| &selector.match_labels);
        labels.all(|(key, value)| self.labels.get(key) == Some(value))
    }
}
