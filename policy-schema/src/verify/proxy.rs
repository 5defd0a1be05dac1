//! A proxy, as its admin endpoint shows it.

use std::collections::BTreeSet;

use super::Finding;
use super::FindingCode;
use super::coverage::is_for;
use super::measurements::Measured;
use crate::document::PathNormalization;
use crate::plugin_config::PolicyName;
use crate::policy::{Attachment, Labels, PolicySet};
use crate::timestamp::Timestamp;

/// The observed state of a proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxy {
    /// The name: its pod, or the address of its endpoint.
    pub name: String,
    /// The namespace of its pod, if it reports one.
    pub namespace: Option<String>,
    /// The labels of its pod, if it reports them.
    pub labels: Option<Labels>,
    /// The policies that apply to callers, sorted by name.
    pub policies: Vec<RunningPolicy>,
    /// The listeners that do not verify callers' certificates.
    pub plaintext: Vec<PlaintextListener>,
    /// Whether it has no listener, so that its enforcement is unknown.
    pub lacks_listeners: bool,
    /// The listeners without a known direction.
    pub undirected: Vec<String>,
    /// Received configuration that it refused.
    pub refused: Vec<Refusal>,
    /// The kind of proxy.
    pub role: Role,
    /// Whether Istio's agent started it. It then has RBAC if an `AuthorizationPolicy` applies to
    /// it.
    pub runs_istio_agent: bool,
    /// The HTTP filter chains for callers.
    pub chains: Vec<HttpChain>,
    /// Chains that forward callers' connections without HTTP and without RBAC.
    pub unchecked_tcp: Vec<String>,
    /// The listeners of a gateway that accept client certificates without validating them.
    pub unvalidated: Vec<String>,
    /// Whether it may drop the metrics that report revisions.
    pub hides_revisions: bool,
    /// The metrics of its filters.
    pub measured: Measured,
}

/// The kind of proxy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// A sidecar, or unknown.
    #[default]
    Sidecar,
    /// An ingress or egress gateway.
    Gateway,
    /// A waypoint of ambient mode.
    Waypoint,
}

/// A filter chain of a listener that serves HTTP to callers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HttpChain {
    /// The listener and the filter chain.
    pub title: String,
    /// The policies that apply to its requests.
    pub policies: BTreeSet<PolicyName>,
    /// Whether it has Envoy's RBAC with enforced rules.
    pub has_rbac: bool,
    /// The path normalization. None if Istio has no such mode.
    pub normalization: Option<PathNormalization>,
    /// Whether routes ignore path parameters.
    pub ignores_path_parameters: bool,
}

/// Configuration that a proxy received and refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The kind of configuration, in words.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The proxy's reason.
    pub reason: String,
}

/// A policy that a proxy runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunningPolicy {
    /// The name of the policy.
    pub name: PolicyName,
    /// The last received revision. None if that plugin config has none. Whether the filter runs it
    /// is a separate question.
    pub revision: Option<String>,
    /// When the proxy received it, if it was discovered.
    pub sent: Option<Timestamp>,
    /// Whether requests pass if the filter cannot run.
    pub fails_open: bool,
}

/// A listener that does not verify callers' certificates.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlaintextListener {
    /// The listener's name.
    pub name: String,
    /// The workload's port. None for every port.
    pub port: Option<u16>,
    /// Whether it speaks TLS.
    pub has_tls: bool,
}

impl Role {
    /// The role in the ID of the proxy's node, which is the prefix of the ID.
    pub(super) fn from_node_id(id: &str) -> Self {
        match id.split_once('~') {
            Some(("router", _)) => Self::Gateway,
            Some(("waypoint", _)) => Self::Waypoint,
            _ => Self::Sidecar,
        }
    }
}

impl Proxy {
    /// Whether a policy applies to its pod. None if unknown.
    pub(super) fn is_for(&self, set: &PolicySet, name: &PolicyName) -> Option<bool> {
        let (namespace, labels) = (self.namespace.as_ref()?, self.labels.as_ref()?);
        let policy = set.policy(&name.namespace, &name.name)?;
        let by_target = matches!(policy.attachment, Attachment::Targets(_));
        match self.role {
            // Waypoints ignore policies with a selector, and do not report which services and
            // classes they serve.
            Role::Waypoint if !by_target => Some(false),
            Role::Waypoint => is_for(policy, namespace, labels).then_some(true),
            Role::Sidecar | Role::Gateway => Some(is_for(policy, namespace, labels)),
        }
    }

    pub(super) fn finding(&self, code: FindingCode, message: String, help: &str) -> Finding {
        Finding::new(format!("proxy {}", self.name), code, message, help)
    }
}
