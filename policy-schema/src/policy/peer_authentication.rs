//! Which connections a workload accepts, by the `mtls` of the `Mesh`.

use super::gateway_names::{has_gateway_label, is_gateway};
use super::{Attachment, Labels, Mesh, MtlsException, PolicySet, ServicePolicy, are_compatible};
use crate::document::{ExceptionMode, MtlsMode};
use crate::timestamp::Timestamp;

/// Which connections the workload of a policy accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AcceptedConnections<'m> {
    /// With and without mutual TLS.
    All,
    /// Only with mutual TLS.
    MutualTls,
    /// Only without TLS, because of this exception.
    Plaintext(&'m str),
    /// Depending on the port, because of this exception.
    ByPort(&'m str),
    /// The documents do not set the mode of mutual TLS.
    NotConfigured,
    /// The documents do not show whether this exception applies to the workload.
    MaybeExcepted(&'m str),
    /// Only from ztunnels and gateways, with mutual TLS (HBONE): the proxy is a waypoint.
    ThroughWaypoint,
    /// The workload may be this gateway, which is subject to no mode of mutual TLS.
    MaybeGateway(&'m str),
}

/// Whether an exception applies to a workload.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Applies {
    Yes,
    No,
    Unknown,
}

impl PolicySet {
    /// Which connections the workload of `policy` accepts at `port` and at this time, if it has
    /// `labels` in addition to those that the policy selects.
    pub fn accepted_connections<'p>(
        &'p self,
        policy: &'p ServicePolicy,
        labels: &Labels,
        port: Option<u16>,
        at: Timestamp,
    ) -> AcceptedConnections<'p> {
        let mesh = &self.mesh;
        // A waypoint is subject to no mode of mutual TLS, and to no exception of a workload.
        if let Attachment::Targets(targets) = &policy.attachment
            && !targets.is_empty()
        {
            let mut gateways = targets
                .iter()
                .filter(|target| is_gateway(&target.kind, &target.name));
            return match (gateways.clone().count() == targets.len(), gateways.next()) {
                (true, _) => AcceptedConnections::All,
                (false, Some(gateway)) => AcceptedConnections::MaybeGateway(&gateway.name),
                (false, None) => AcceptedConnections::ThroughWaypoint,
            };
        }
        if mesh.is_known_gateway(policy, labels) {
            return AcceptedConnections::All;
        }
        match mesh.mtls.mode {
            None => return AcceptedConnections::NotConfigured,
            Some(MtlsMode::Permissive) => return AcceptedConnections::All,
            Some(MtlsMode::Strict) => {}
        }
        if let Some(gateway) = mesh.may_be_gateway(policy, labels) {
            return AcceptedConnections::MaybeGateway(gateway);
        }
        // Istio's precedence: a workload's ports, the workload, its namespace.
        let rank = |exception: &&MtlsException| match (&exception.labels, &*exception.ports) {
            (Some(_), [_, ..]) => 0,
            (Some(_), []) => 1,
            (None, _) => 2,
        };
        let exceptions = mesh.mtls.exceptions.iter();
        let mut exceptions: Vec<_> = exceptions
            .filter(|exception| !exception.has_expired(at))
            .collect();
        exceptions.sort_by_key(rank);
        for exception in exceptions {
            let name = exception.name.as_str();
            let applies = applies(exception, policy, labels);
            let is_at_port = |port| exception.ports.is_empty() || exception.ports.contains(&port);
            match (applies, port.map(is_at_port)) {
                (Applies::No, _) | (_, Some(false)) => {}
                (Applies::Unknown, _) => return AcceptedConnections::MaybeExcepted(name),
                (Applies::Yes, None) if !exception.ports.is_empty() => {
                    return AcceptedConnections::ByPort(name);
                }
                (Applies::Yes, _) => {
                    return match exception.mode {
                        ExceptionMode::Permissive => AcceptedConnections::All,
                        ExceptionMode::Disable => AcceptedConnections::Plaintext(name),
                    };
                }
            }
        }
        AcceptedConnections::MutualTls
    }

    /// Whether the documents show that the proxy of `policy` is a sidecar. Otherwise it may be a
    /// gateway or a waypoint.
    pub fn is_at_sidecar(&self, policy: &ServicePolicy, labels: &Labels) -> bool {
        matches!(policy.attachment, Attachment::Workload(_))
            && !self.mesh.is_known_gateway(policy, labels)
            && self.mesh.may_be_gateway(policy, labels).is_none()
    }
}

impl Mesh {
    fn is_known_gateway(&self, policy: &ServicePolicy, labels: &Labels) -> bool {
        has_gateway_label(labels) || self.is_at_gateway(&policy.name.namespace, &policy.attachment)
    }

    /// The gateway of the `Mesh` that the workload may be.
    fn may_be_gateway(&self, policy: &ServicePolicy, labels: &Labels) -> Option<&str> {
        let mut gateways = self.gateways_of(&policy.name.namespace, &policy.attachment);
        let gateway = gateways.find(|gateway| are_compatible(labels, &gateway.pod_labels()))?;
        Some(&gateway.name)
    }
}

fn applies(exception: &MtlsException, policy: &ServicePolicy, labels: &Labels) -> Applies {
    let everything = Labels::new();
    let wanted = exception.labels.as_ref().unwrap_or(&everything);
    let is_there = exception.namespace == policy.name.namespace;
    let (own, is_namespace_known) = match &policy.attachment {
        Attachment::Workload(own) => (own, true),
        Attachment::Mesh(own) => (own, false),
        Attachment::Namespace | Attachment::Targets(_) => (&everything, true),
    };
    if (is_namespace_known && !is_there)
        || !are_compatible(own, wanted)
        || !are_compatible(labels, wanted)
    {
        return Applies::No;
    }
    let has =
        |(key, value): (&String, &String)| own.get(key).or_else(|| labels.get(key)) == Some(value);
    // A target of the Gateway API does not select pods by label.
    let is_sure = is_namespace_known && wanted.iter().all(has);
    if is_sure {
        Applies::Yes
    } else {
        Applies::Unknown
    }
}
