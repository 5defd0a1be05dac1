//! Policies at gateways, where clients come from outside the mesh.

use super::edge::GATEWAY_NAME;
use super::{Attachment, Gateway, Labels, Mesh, are_compatible};
use crate::plugin_config::KnownGateway;

/// The label that installations of Istio give the pods of their own gateways.
const ISTIO: &str = "istio";

/// The classes of Istio's waypoints.
const WAYPOINT_CLASS: &str = "waypoint";

impl Mesh {
    /// Whether all pods that a policy of `namespace` applies to are gateways. Waypoints count as
    /// gateways where only their `Gateway` is named: no client's TLS ends there.
    pub(crate) fn is_at_gateway(&self, namespace: &str, attachment: &Attachment) -> bool {
        let is_of_gateway = |labels: &Labels, is_there: &dyn Fn(&Gateway) -> bool| {
            let mut gateways = self.gateways.iter().filter(|gateway| is_there(gateway));
            has_gateway_label(labels) || gateways.any(|gateway| implies(labels, gateway))
        };
        match attachment {
            Attachment::Workload(labels) => {
                is_of_gateway(labels, &|gateway| gateway.namespace == namespace)
            }
            Attachment::Mesh(labels) => is_of_gateway(labels, &|_| true),
            Attachment::Namespace => false,
            Attachment::Targets(targets) => targets.iter().all(|target| {
                target.kind == "Gateway"
                    || (target.kind == "GatewayClass" && !target.name.ends_with(WAYPOINT_CLASS))
            }),
        }
    }

    /// The same gateways as [`gateways_of`](Self::gateways_of), as a filter gets them.
    pub(crate) fn known_gateways(&self, namespace: &str, attachment: &Attachment) -> Vec<String> {
        let gateways = self.gateways_of(namespace, attachment);
        gateways
            .map(|gateway| {
                KnownGateway::text(
                    &gateway.namespace,
                    &gateway.pod_labels(),
                    gateway.unvalidated_certificates,
                )
            })
            .collect()
    }

    /// The gateways that a policy of `namespace` may apply to.
    pub(crate) fn gateways_of<'m>(
        &'m self,
        namespace: &'m str,
        attachment: &'m Attachment,
    ) -> impl Iterator<Item = &'m Gateway> {
        self.gateways.iter().filter(move |gateway| {
            let is_there = gateway.namespace == namespace;
            let may_have = |labels| are_compatible(labels, &gateway.pod_labels());
            match attachment {
                Attachment::Workload(labels) => is_there && may_have(labels),
                Attachment::Namespace => is_there,
                Attachment::Mesh(labels) => may_have(labels),
                Attachment::Targets(targets) => targets.iter().any(|target| {
                    target.kind == "GatewayClass"
                        || (target.kind == "Gateway" && is_there && target.name == gateway.name)
                }),
            }
        })
    }
}

/// Whether every pod with `labels` is the gateway's.
fn implies(labels: &Labels, gateway: &Gateway) -> bool {
    let of_gateway = gateway.pod_labels();
    !of_gateway.is_empty()
        && of_gateway
            .iter()
            .all(|(key, value)| labels.get(key) == Some(value))
}

/// Whether a label is one that only gateways have, by the conventions of Istio's installations.
pub(crate) fn has_gateway_label(labels: &Labels) -> bool {
    labels.contains_key(GATEWAY_NAME)
        || labels
            .get(ISTIO)
            .is_some_and(|value| value.ends_with("gateway"))
}
