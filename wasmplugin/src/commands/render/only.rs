//! What of all there is to render is asked for.

use peergate_fault::Failure;
use policy_schema::istio::ResourceKind;

use super::error::RenderError;

/// Something that can be asked for alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Only {
    /// What Envoy's RBAC enforces
    AuthorizationPolicy,
    /// How hosts are called
    DestinationRule,
    /// What gateways answer for, and how Istio runs those that it makes itself
    Gateway,
    /// Where gateways of the Kubernetes Gateway API lead requests
    HttpRoute,
    /// Which packets reach workloads
    NetworkPolicy,
    /// Strict mutual TLS, and the exceptions
    PeerAuthentication,
    /// Hosts outside the mesh
    ServiceEntry,
    /// What workloads reach
    Sidecar,
    /// What proxies tell about requests
    Telemetry,
    /// Where gateways lead requests
    VirtualService,
    /// What puts the filter into sidecars, of whichever kind
    WasmPlugin,
    /// What the filter reads; of one policy, unless written to a folder
    PluginConfig,
    /// The HTTP filters of an Envoy without Istio: the filter, and RBAC as Istio would configure it; of one policy,
    /// unless written to a folder
    Envoy,
}

impl Only {
    fn is_for_one_proxy(self) -> bool {
        matches!(self, Self::PluginConfig | Self::Envoy)
    }

    fn takes(self, kind: ResourceKind) -> bool {
        match self {
            Self::AuthorizationPolicy => kind == ResourceKind::AuthorizationPolicy,
            Self::DestinationRule => kind == ResourceKind::DestinationRule,
            Self::Gateway => matches!(kind, ResourceKind::ConfigMap | ResourceKind::Gateway),
            Self::HttpRoute => kind == ResourceKind::HttpRoute,
            Self::NetworkPolicy => kind == ResourceKind::NetworkPolicy,
            Self::PeerAuthentication => kind == ResourceKind::PeerAuthentication,
            Self::ServiceEntry => kind == ResourceKind::ServiceEntry,
            Self::Sidecar => kind == ResourceKind::Sidecar,
            Self::Telemetry => kind == ResourceKind::Telemetry,
            Self::VirtualService => kind == ResourceKind::VirtualService,
            Self::WasmPlugin => {
                matches!(
                    kind,
                    ResourceKind::WasmPlugin | ResourceKind::TrafficExtension
                )
            }
            Self::PluginConfig | Self::Envoy => false,
        }
    }
}

/// What is asked for: everything that a cluster takes, or these.
#[derive(Debug)]
pub(super) struct Chosen(Vec<Only>);

impl Chosen {
    /// What is for one proxy goes into a file of its own.
    pub(super) fn new(only: &[Only]) -> Result<Self, Failure> {
        if only.len() > 1 && only.iter().any(|only| only.is_for_one_proxy()) {
            return Err(RenderError::NotTogether.into());
        }
        Ok(Self(only.to_vec()))
    }

    pub(super) fn is_everything(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn is_for_one_proxy(&self) -> bool {
        self.0.iter().any(|only| only.is_for_one_proxy())
    }

    pub(super) fn is(&self, only: Only) -> bool {
        self.0.contains(&only)
    }

    /// Whether objects of this kind are asked for.
    pub(super) fn takes(&self, kind: ResourceKind) -> bool {
        self.is_everything() || self.0.iter().any(|only| only.takes(kind))
    }
}
