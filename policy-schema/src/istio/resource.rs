//! An object as it is applied to a cluster, whatever its kind.

use std::collections::BTreeMap;

use serde::Serialize;

use super::authorization_policy::{AuthorizationPolicy, AuthorizationPolicySpec, ObjectMetadata};
use super::destination_rule::DestinationRuleSpec;
use super::extension::{TrafficExtensionSpec, WasmPluginSpec};
use super::gateway::GatewaySpec;
use super::gateway_api::{HttpRouteSpec, KubernetesGatewaySpec};
use super::network_policy::NetworkPolicySpec;
use super::peer_authentication::PeerAuthenticationSpec;
use super::service_entry::ServiceEntrySpec;
use super::sidecar::SidecarSpec;
use super::telemetry::TelemetrySpec;
use super::virtual_service::VirtualServiceSpec;
use crate::policy::IstioVersion;

/// Since this version objects are of `v1` that are of `v1beta1` before (`Telemetry`: `v1alpha1`).
/// Istio serves it since 1.22, and goes on serving the older ones.
const V1: IstioVersion = IstioVersion::minor(24);

/// The policy that an object is made of.
pub(super) const POLICY_ANNOTATION: &str = "peergate.dev/policy";

/// An object as it is applied to a cluster.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    api_version: String,
    kind: ResourceKind,
    metadata: ObjectMetadata,
    #[serde(flatten)]
    content: Content,
    /// What of the documents it is made of, in words, where no annotation says it.
    #[serde(skip)]
    source: Option<String>,
}

/// What a [`Resource`] has beside its metadata, by the name of the field.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Content {
    Spec(Spec),
    /// Texts by their names, of a `ConfigMap`.
    Data(BTreeMap<&'static str, String>),
}

/// What a [`Resource`] says.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum Spec {
    AuthorizationPolicy(AuthorizationPolicySpec),
    DestinationRule(DestinationRuleSpec),
    Gateway(GatewaySpec),
    HttpRoute(HttpRouteSpec),
    KubernetesGateway(KubernetesGatewaySpec),
    NetworkPolicy(NetworkPolicySpec),
    PeerAuthentication(PeerAuthenticationSpec),
    ServiceEntry(ServiceEntrySpec),
    Sidecar(SidecarSpec),
    Telemetry(TelemetrySpec),
    TrafficExtension(Box<TrafficExtensionSpec>),
    VirtualService(VirtualServiceSpec),
    WasmPlugin(Box<WasmPluginSpec>),
}

/// The kind of a [`Resource`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum ResourceKind {
    /// Who may call a workload (Istio, security).
    AuthorizationPolicy,
    /// How Istio runs what it makes of a gateway (Kubernetes).
    ConfigMap,
    /// How a host is called (Istio, networking).
    DestinationRule,
    /// What a gateway answers for (Istio, networking; Kubernetes Gateway API).
    Gateway,
    /// Where a gateway leads requests (Kubernetes Gateway API).
    #[serde(rename = "HTTPRoute")]
    HttpRoute,
    /// Which packets reach a workload (Kubernetes, networking).
    NetworkPolicy,
    /// Whether a workload accepts plaintext (Istio, security).
    PeerAuthentication,
    /// A host outside the mesh (Istio, networking).
    ServiceEntry,
    /// What a workload reaches (Istio, networking).
    Sidecar,
    /// What proxies tell about requests (Istio, telemetry).
    Telemetry,
    /// The filter (Istio, extensions, from 1.30).
    TrafficExtension,
    /// Where a gateway leads requests (Istio, networking).
    VirtualService,
    /// The filter (Istio, extensions).
    WasmPlugin,
}

impl ResourceKind {
    /// Every kind.
    pub const ALL: [Self; 13] = [
        Self::AuthorizationPolicy,
        Self::ConfigMap,
        Self::DestinationRule,
        Self::Gateway,
        Self::HttpRoute,
        Self::NetworkPolicy,
        Self::PeerAuthentication,
        Self::ServiceEntry,
        Self::Sidecar,
        Self::Telemetry,
        Self::TrafficExtension,
        Self::VirtualService,
        Self::WasmPlugin,
    ];

    /// The kind as objects name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationPolicy => "AuthorizationPolicy",
            Self::ConfigMap => "ConfigMap",
            Self::DestinationRule => "DestinationRule",
            Self::Gateway => "Gateway",
            Self::HttpRoute => "HTTPRoute",
            Self::NetworkPolicy => "NetworkPolicy",
            Self::PeerAuthentication => "PeerAuthentication",
            Self::ServiceEntry => "ServiceEntry",
            Self::Sidecar => "Sidecar",
            Self::Telemetry => "Telemetry",
            Self::TrafficExtension => "TrafficExtension",
            Self::VirtualService => "VirtualService",
            Self::WasmPlugin => "WasmPlugin",
        }
    }
}

impl Spec {
    fn kind(&self) -> ResourceKind {
        match self {
            Self::AuthorizationPolicy(_) => ResourceKind::AuthorizationPolicy,
            Self::DestinationRule(_) => ResourceKind::DestinationRule,
            Self::Gateway(_) | Self::KubernetesGateway(_) => ResourceKind::Gateway,
            Self::HttpRoute(_) => ResourceKind::HttpRoute,
            Self::NetworkPolicy(_) => ResourceKind::NetworkPolicy,
            Self::PeerAuthentication(_) => ResourceKind::PeerAuthentication,
            Self::ServiceEntry(_) => ResourceKind::ServiceEntry,
            Self::Sidecar(_) => ResourceKind::Sidecar,
            Self::Telemetry(_) => ResourceKind::Telemetry,
            Self::TrafficExtension(_) => ResourceKind::TrafficExtension,
            Self::VirtualService(_) => ResourceKind::VirtualService,
            Self::WasmPlugin(_) => ResourceKind::WasmPlugin,
        }
    }

    /// The version of the kind that is written for Istio of this version.
    fn api_version(&self, istio: IstioVersion) -> &'static str {
        let is_v1 = istio >= V1;
        match self {
            Self::AuthorizationPolicy(_) => "security.istio.io/v1",
            Self::NetworkPolicy(_) => "networking.k8s.io/v1",
            Self::PeerAuthentication(_) if is_v1 => "security.istio.io/v1",
            Self::PeerAuthentication(_) => "security.istio.io/v1beta1",
            Self::DestinationRule(_)
            | Self::Gateway(_)
            | Self::ServiceEntry(_)
            | Self::Sidecar(_)
            | Self::VirtualService(_) => {
                if is_v1 {
                    "networking.istio.io/v1"
                } else {
                    "networking.istio.io/v1beta1"
                }
            }
            Self::Telemetry(_) if is_v1 => "telemetry.istio.io/v1",
            Self::Telemetry(_) => "telemetry.istio.io/v1alpha1",
            Self::TrafficExtension(_) | Self::WasmPlugin(_) => "extensions.istio.io/v1alpha1",
            Self::HttpRoute(_) | Self::KubernetesGateway(_) => {
                super::gateway_api::api_version(istio)
            }
        }
    }
}

impl Resource {
    pub(super) fn new(istio: IstioVersion, metadata: ObjectMetadata, spec: Spec) -> Self {
        Self {
            api_version: spec.api_version(istio).to_owned(),
            kind: spec.kind(),
            metadata,
            content: Content::Spec(spec),
            source: None,
        }
    }

    /// The object, made of this part of the documents.
    pub(super) fn made_of(self, source: String) -> Self {
        Self {
            source: Some(source),
            ..self
        }
    }

    /// A `ConfigMap` of these texts.
    pub(super) fn config_map(
        metadata: ObjectMetadata,
        data: BTreeMap<&'static str, String>,
    ) -> Self {
        Self {
            api_version: "v1".to_owned(),
            kind: ResourceKind::ConfigMap,
            metadata,
            content: Content::Data(data),
            source: None,
        }
    }

    /// The object's kind.
    pub fn kind(&self) -> ResourceKind {
        self.kind
    }

    /// The group of its kind; empty for Kubernetes' own.
    pub fn group(&self) -> &str {
        let versioned = self.api_version.split_once('/');
        versioned.map_or("", |(group, _)| group)
    }

    /// What of the documents it is made of, in words.
    pub fn source(&self) -> String {
        let policy = self.metadata.annotations.get(POLICY_ANNOTATION);
        match (&self.source, policy) {
            (Some(source), _) => source.clone(),
            (None, Some(policy)) => format!("policy `{}/{policy}`", self.metadata.namespace),
            (None, None) => "the mesh".to_owned(),
        }
    }

    /// The object's name and namespace.
    pub fn metadata(&self) -> &ObjectMetadata {
        &self.metadata
    }
}

impl From<AuthorizationPolicy> for Resource {
    fn from(policy: AuthorizationPolicy) -> Self {
        Self {
            api_version: policy.api_version,
            kind: ResourceKind::AuthorizationPolicy,
            metadata: policy.metadata,
            content: Content::Spec(Spec::AuthorizationPolicy(policy.spec)),
            source: None,
        }
    }
}

/// The metadata of an object that is made of more than one policy.
pub(super) fn metadata(name: impl Into<String>, namespace: &str) -> ObjectMetadata {
    ObjectMetadata {
        name: name.into(),
        namespace: namespace.to_owned(),
        labels: managed(),
        annotations: BTreeMap::new(),
    }
}

/// A host as part of a name, in which no `*` can be: `any` stands for it, and before those that begin
/// so themselves there is `one`, so that no two hosts have the same.
pub(super) fn host_in_name(host: &str) -> String {
    match (host.strip_prefix("*."), host.split('.').next()) {
        (Some(rest), _) => format!("any.{rest}"),
        (None, Some("any" | "one")) => format!("one.{host}"),
        (None, _) => host.to_owned(),
    }
}

/// The label by which all that Peergate makes is found again.
pub(super) fn managed() -> BTreeMap<String, String> {
    let text = str::to_owned;
    [(text("app.kubernetes.io/managed-by"), text("peergate"))].into()
}
