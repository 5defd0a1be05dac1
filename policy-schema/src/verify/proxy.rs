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

/// What a proxy tells of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxy {
    /// What people call it: its pod, or where it was asked.
    pub name: String,
    /// The namespace of its pod; none if it does not tell.
    pub namespace: Option<String>,
    /// The labels of its pod; none if it does not tell.
    pub labels: Option<Labels>,
    /// The policies that callers meet, in the order of their names.
    pub policies: Vec<RunningPolicy>,
    /// The listeners that accept callers whose certificate they do not verify.
    pub plaintext: Vec<PlaintextListener>,
    /// Whether it has no listener at all, so that nothing can be said of what it enforces.
    pub lacks_listeners: bool,
    /// The listeners of which it does not say whether callers come in by them.
    pub undirected: Vec<String>,
    /// What it was sent and did not take up.
    pub refused: Vec<Refusal>,
    /// What kind of proxy it is.
    pub role: Role,
    /// Whether Istio's agent started it, so that it has RBAC wherever an `AuthorizationPolicy` is for it.
    pub is_of_istio: bool,
    /// Where requests of callers come in, each part of a listener once.
    pub chains: Vec<HttpChain>,
    /// Where connections of callers come in and are passed on as they are, and no RBAC decides on them.
    pub unchecked_tcp: Vec<String>,
    /// The listeners of a gateway that accept client certificates without validating them.
    pub unvalidated: Vec<String>,
    /// Whether it may drop the metrics that say what filters run.
    pub hides_revisions: bool,
    /// What its filters say that they run.
    pub measured: Measured,
}

/// What kind of proxy it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// It stands before a workload, or does not say what it is.
    #[default]
    Sidecar,
    /// It is an ingress or an egress gateway.
    Gateway,
    /// It stands before services in ambient mode.
    Waypoint,
}

/// A part of a listener that speaks HTTP with callers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HttpChain {
    /// The listener, and which part of it.
    pub title: String,
    /// The policies that requests meet there.
    pub policies: BTreeSet<PolicyName>,
    /// Whether they meet Envoy's RBAC, with rules that it enforces.
    pub has_rbac: bool,
    /// How paths are normalised before rules see them; none if it is not a way of Istio's.
    pub normalization: Option<PathNormalization>,
    /// Whether routes compare paths without their parameters.
    pub ignores_path_parameters: bool,
}

/// Something that a proxy was sent, and did not take up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What it is, as people name it.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Why, as the proxy says it.
    pub reason: String,
}

/// A policy that a proxy runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunningPolicy {
    /// Its name.
    pub name: PolicyName,
    /// The revision that it was sent last; none if that plugin config has none. Whether it runs is
    /// another matter.
    pub revision: Option<String>,
    /// When it was sent, if it came by discovery.
    pub sent: Option<Timestamp>,
    /// Whether requests pass when the filter cannot run.
    pub fails_open: bool,
}

/// Where a proxy accepts callers whose certificate it does not verify.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlaintextListener {
    /// The listener's name.
    pub name: String,
    /// The workload's port; none for every port.
    pub port: Option<u16>,
    /// Whether TLS is spoken.
    pub has_tls: bool,
}

impl Role {
    /// By the id of the proxy's node, which begins with it.
    pub(super) fn of_node(id: &str) -> Self {
        match id.split_once('~') {
            Some(("router", _)) => Self::Gateway,
            Some(("waypoint", _)) => Self::Waypoint,
            _ => Self::Sidecar,
        }
    }
}

impl Proxy {
    /// Whether a policy is for its pod; none if that cannot be said.
    pub(super) fn is_for(&self, set: &PolicySet, name: &PolicyName) -> Option<bool> {
        let (namespace, labels) = (self.namespace.as_ref()?, self.labels.as_ref()?);
        let policy = set.policy(&name.namespace, &name.name)?;
        let by_target = matches!(policy.attachment, Attachment::Targets(_));
        match self.role {
            // Waypoints take no policy by a selector, and do not tell which services and classes they are for.
            Role::Waypoint if !by_target => Some(false),
            Role::Waypoint => is_for(policy, namespace, labels).then_some(true),
            Role::Sidecar | Role::Gateway => Some(is_for(policy, namespace, labels)),
        }
    }

    pub(super) fn finding(&self, code: FindingCode, message: String, help: &str) -> Finding {
        Finding::of(format!("proxy {}", self.name), code, message, help)
    }
}
