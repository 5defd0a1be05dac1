//! Policies that apply to gateways, whose clients come from outside the mesh.

use super::gateway_names::{has_gateway_label, is_gateway};
use super::{Attachment, Gateway, Labels, Mesh, PolicySet, ServicePolicy};
use crate::plugin_config::KnownGateway;

impl Mesh {
    /// Whether all pods of a policy in `namespace` are gateways. Waypoints count as gateways if the
    /// policy names only their `Gateway`: they terminate no client's TLS.
    pub(crate) fn is_at_gateway(&self, namespace: &str, attachment: &Attachment) -> bool {
        let is_of_gateway = |labels: &Labels, namespace: Option<&str>| {
            has_gateway_label(labels) || !self.gateways.implied_by(namespace, labels).is_empty()
        };
        match attachment {
            Attachment::Workload(labels) => is_of_gateway(labels, Some(namespace)),
            Attachment::Mesh(labels) => is_of_gateway(labels, None),
            Attachment::Namespace => false,
            Attachment::Targets(targets) => {
                let mut targets = targets.iter();
                targets.all(|target| is_gateway(&target.kind, &target.name))
            }
        }
    }

    /// The accounts of [`gateways_of`](Self::gateways_of), for the plugin config.
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

    /// The gateways that a policy in `namespace` may apply to.
    pub(crate) fn gateways_of<'m: 'a, 'a>(
        &'m self,
        namespace: &str,
        attachment: &'a Attachment,
    ) -> impl Iterator<Item = &'m Gateway> + use<'m, 'a> {
        self.gateways.selected_by(namespace, attachment)
    }
}

impl PolicySet {
    /// The gateways of the `Mesh` that the policy names, if it applies to no other pods. Empty if
    /// it may apply to others.
    pub fn gateways_named_by(&self, policy: &ServicePolicy) -> Vec<&Gateway> {
        let namespace = &policy.name.namespace;
        let gateways = &self.mesh.gateways;
        match &policy.attachment {
            Attachment::Workload(labels) => gateways.implied_by(Some(namespace), labels),
            Attachment::Mesh(labels) => gateways.implied_by(None, labels),
            Attachment::Namespace => Vec::new(),
            Attachment::Targets(targets) => {
                let named = targets.iter().map(|target| {
                    let gateway = gateways.named(namespace, &target.name);
                    gateway.filter(|_| target.kind == "Gateway")
                });
                named.collect::<Option<_>>().unwrap_or_default()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gateways_are_known_by_the_labels_of_istio_installations() {
        for (key, value, is_gateway) in [
            ("istio", "ingressgateway", true),
            ("istio", "eastwestgateway", true),
            ("istio", "ingress", true),
            ("istio", "egress", true),
            ("istio", "pilot", false),
            ("app", "istio-ingressgateway", true),
            ("app", "istio-ingress", true),
            ("app", "ingress", false),
            ("app", "payment-gateway", false),
            ("gateway.networking.k8s.io/gateway-name", "web", true),
        ] {
            let labels = Labels::from([(key.to_owned(), value.to_owned())]);
            assert_eq!(has_gateway_label(&labels), is_gateway, "{key}: {value}");
        }
    }
}
